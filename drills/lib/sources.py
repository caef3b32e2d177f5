"""The service's public accounts that more than one drill goes back to."""

AUGUST_2020 = (
    "SimpleLogin, “What happened on August 11 and what we've learned”, 2020-08-19: "
    "https://simplelogin.io/blog/august-11/"
)
JUNE_2021 = (
    "SimpleLogin, “What happened on June 16, 2021, and how we make sure it never happens again”, "
    "2021-06-27: https://simplelogin.io/blog/june-16-2021/"
)
