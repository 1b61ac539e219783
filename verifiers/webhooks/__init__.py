"""Telling other systems what happened here: signed messages, sent again until they arrive (Standard Webhooks)."""
