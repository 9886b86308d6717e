"""What is written to members, in French and in English: they read one of the two."""

from datetime import timedelta
from urllib.parse import quote

from ...domain.identity import Purpose
from ..mail import Message

PATH = "/mail"
"""Where the pages are that links of mails lead to, below the service's public address."""

SUBJECTS: dict[Purpose, str] = {
    "verify": "Confirmez votre adresse / Confirm your e-mail",
    "add_email": "Confirmez votre nouvelle adresse / Confirm your new e-mail",
    "sign_in": "Votre connexion / Sign in",
    "reset": "Votre mot de passe / Your password",
}
REASONS: dict[Purpose, tuple[str, str]] = {
    "verify": (
        "Bienvenue. Confirmez que cette adresse est la vôtre.",
        "Welcome. Confirm that this address is yours.",
    ),
    "add_email": (
        "Confirmez que cette adresse est la vôtre, pour l'ajouter à votre compte.",
        "Confirm that this address is yours, to add it to your account.",
    ),
    "sign_in": ("Voici de quoi vous connecter.", "Here is what signs you in."),
    "reset": (
        "Voici de quoi choisir un nouveau mot de passe.",
        "Here is what lets you choose a new password.",
    ),
}
NOTICES: dict[str, tuple[str, str, str]] = {
    "known": (
        "Vous avez déjà un compte / You have an account already",
        "Quelqu'un s'est inscrit avec cette adresse, qui a déjà un compte. Si c'était vous, connectez-vous, "
        "ou demandez un nouveau mot de passe.",
        "Somebody signed up with this address, which has an account already. If it was you, sign in, or ask "
        "for a new password.",
    ),
    "password": (
        "Votre mot de passe a changé / Your password has changed",
        "Le mot de passe de votre compte vient de changer, et vos autres sessions sont fermées.",
        "The password of your account has just changed, and your other sessions are closed.",
    ),
    "email_added": (
        "Une adresse a été ajoutée / An e-mail was added",
        "Une adresse a été ajoutée à votre compte ; elle permet de s'y connecter.",
        "An e-mail was added to your account; it can be used to sign in.",
    ),
    "email_changed": (
        "Votre adresse a changé / Your e-mail has changed",
        "Votre compte vous écrit désormais à une autre adresse.",
        "Your account now writes to you at another address.",
    ),
    "email_removed": (
        "Une adresse a été retirée / An e-mail was removed",
        "Une adresse a été retirée de votre compte.",
        "An e-mail was removed from your account.",
    ),
    "key_made": (
        "Une clé d'API a été créée / An API key was made",
        "Une clé d'API a été créée pour votre compte : un programme agit par elle en votre nom, même si le "
        "mot de passe change. Si ce n'était pas vous, révoquez-la.",
        "An API key was made for your account: by it a program acts as you, even if the password changes. If "
        "it was not you, revoke it.",
    ),
    "factor_on": (
        "Second facteur activé / Second factor on",
        "Votre compte demande désormais un second facteur.",
        "Your account now asks for a second factor.",
    ),
    "factor_off": (
        "Second facteur désactivé / Second factor off",
        "Votre compte ne demande plus de second facteur.",
        "Your account no longer asks for a second factor.",
    ),
}
IGNORE_FR = "Si ce n'était pas vous, n'en faites rien : personne n'entre sans ce message."
IGNORE_EN = "If it was not you, do nothing: nobody comes in without this message."
WARN_FR = "Si ce n'était pas vous, demandez aussitôt un nouveau mot de passe."
WARN_EN = "If it was not you, ask for a new password at once."


def proof_letter(
    to: str, purpose: Purpose, *, token: str, code: str, life: timedelta, public_url: str
) -> Message:
    """The letter with a link and a code, that are good for a while."""
    link = f"{public_url}{PATH}/{purpose}?token={quote(token)}"
    hours, minutes = divmod(life // timedelta(minutes=1), 60)
    french, english = REASONS[purpose]
    lasting = f"{hours} h" if hours and not minutes else f"{hours * 60 + minutes} min"
    lines = (
        f"{french}\nCode : {code}\nLien : {link}\nValable une fois, {lasting}. {IGNORE_FR}",
        f"{english}\nCode: {code}\nLink: {link}\nGood once, for {lasting}. {IGNORE_EN}",
    )
    return Message(to, SUBJECTS[purpose], "\n\n".join(lines) + "\n")


def notice(to: str, about: str) -> Message:
    """The letter that says what was changed."""
    subject, french, english = NOTICES[about]
    return Message(to, subject, f"{french} {WARN_FR}\n\n{english} {WARN_EN}\n")
