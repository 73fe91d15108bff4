"""`python -m wisipay_sdk`: the developer's command line."""

from wisipay_sdk.cli.main import main

main()
