"""`python -m wisipay` is the same as `wisipay`."""

from wisipay.entrypoints.cli import main

main()
