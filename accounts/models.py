"""The user model, custom from the first migration so that it can grow."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person who signs in. What they may do comes from their groups (accounts/groups.py);

    which utilities a steward answers for stands on the utility (`Utility.stewards`).
    """
