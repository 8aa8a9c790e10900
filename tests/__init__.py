"""Tests mirror the packages; a test's name is a sentence. Real servers, no mocks of our own code."""
