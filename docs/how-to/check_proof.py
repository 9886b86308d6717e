"""Check a proof of balance: python check_proof.py PROOF_FILE PUBLISHED_ROOT

It needs Python and nothing else: no network, no database, no library, and no trust in who printed the proof.
What is hashed and why it proves anything is told in check-a-proof.md, beside this file.
"""

import hashlib
import json
import sys
from uuid import UUID


class DoesNotHold(Exception):
    """Why a proof proves nothing."""


def eight(number):
    """A number as 8 bytes, big-endian: never negative, never more than fits."""
    if type(number) is not int or not 0 <= number < 2**64:
        raise DoesNotHold(f"{number!r} is no number from 0 to 2^64 - 1.")
    return number.to_bytes(8, "big")


def digest(text):
    """A SHA-256 that is written in hexadecimal."""
    if type(text) is not str or len(text) != 64:
        raise DoesNotHold(f"{text!r} is no SHA-256.")
    return bytes.fromhex(text)


def hash_of_seal(seal):
    names = ("number", "day", "root", "total", "accounts", "previous", "sealed_at", "unit")
    return hashlib.sha256(b"\2" + "|".join(str(seal[name]) for name in names).encode()).digest()


def check(proof, root):
    """Raise DoesNotHold unless the balance is inside of the total that was published with `root`."""
    seal, total = proof["seal"], proof["balance"]
    leaf = UUID(proof["user_id"]).bytes + seal["unit"].encode()
    leaf += eight(proof["sequence"]) + digest(proof["posting_hash"]) + eight(total)
    node = hashlib.sha256(b"\0" + leaf).digest()
    for step in proof["path"]:
        below, beside = node + eight(total), digest(step["hash"]) + eight(step["sum"])
        sides = {"left": beside + below, "right": below + beside}
        node, total = hashlib.sha256(b"\1" + sides[step["side"]]).digest(), total + step["sum"]
        eight(total)
    if node != digest(seal["root"]) or node != digest(root):
        raise DoesNotHold("the balance and the path do not lead to the published root.")
    if total != seal["total"]:
        raise DoesNotHold(f"the sums add up to {total}, not to {seal['total']}.")
    if hash_of_seal(seal) != digest(seal["hash"]):
        raise DoesNotHold("the seal is not covered by its hash.")


def main(file, root):
    with open(file, encoding="utf-8") as printed:
        text = printed.read()
    try:
        proof = json.loads(text[text.index("{") : text.rindex("}") + 1])
        check(proof, root.strip().lower())
    except DoesNotHold as reason:
        sys.exit(f"The proof does not hold: {reason}")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        sys.exit(f"This is no printed proof: {error!r}")
    seal, balance = proof["seal"], proof["balance"]
    sys.stdout.write(f"The proof holds: {balance:,} of {seal['total']:,} {seal['unit']} on {seal['day']}.\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
