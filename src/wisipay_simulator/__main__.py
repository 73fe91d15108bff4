"""`python -m wisipay_simulator`."""

from wisipay_simulator.main import main

if __name__ == "__main__":
    main()
