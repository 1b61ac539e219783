"""Signing in to the desks of both services: accounts, passwords, second factors, sessions, pages.

Section numbers ASVS … mean the OWASP Application Security Verification Standard 4.0.3.
"""
