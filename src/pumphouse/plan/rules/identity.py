"""Rules about users."""

from pumphouse.plan.rules.view import NOTE, Found, View, rule


@rule("user-password", NOTE)
def _password(view: View) -> Found:
    names = sorted(item.name for item in view.to_do("user"))
    if names:
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        yield (
            "",
            f"{len(names)} user(s) get a password that nobody knows: {shown}",
            ("Reset them in the destination: 'openstack user set --password-prompt USER'."),
        )
