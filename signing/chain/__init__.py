"""Certificates: does one lead to a trusted anchor, for this purpose, at that moment, unrevoked?"""
