"""How the tables came to be what they are: a script for each revision of the platform's part, in `versions`."""
