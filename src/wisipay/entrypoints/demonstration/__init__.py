"""The parts of `wisipay demo`: a merchant, its payments, and the comparison of everybody's books."""
