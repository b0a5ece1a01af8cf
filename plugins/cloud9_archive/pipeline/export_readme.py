"""What an export says to whoever receives it."""

README = """\
Calls handed out of an archive.

index.csv          one line for each recording of each call, separated by semicolons
provenance.json    of each file: its name, bag and chain link in the archive, by their SHA-256
POLICY/bags/ID/    files of one bag of the archive under their own paths, with that bag's manifests
POLICY/chain/      the links of the archive's chain that cover those bags
*.xml, *.json      beside a medium: what other systems want to know of it, if that was asked for

To check that nothing was changed since it was handed out, in the folder above this one:

    sha256sum -c manifest-sha256.txt && sha256sum -c tagmanifest-sha256.txt

To check it against the archive, in POLICY/bags/ID: the files are those of the bag, the bag's seal
(tagmanifest-sha256.txt) is a member of the link that provenance.json names, and that link is one of the archive's chain:

    sha256sum -c --ignore-missing manifest-sha256.txt && sha256sum -c tagmanifest-sha256.txt
    grep "$(sha256sum tagmanifest-sha256.txt | cut -d' ' -f1)" ../../chain/*.json

Who keeps the archive shows that the link is in its chain, up to the head that provenance.json names.
"""
"""Lies in every export, for whoever receives it."""

DECRYPTED = """
This export holds decrypted copies.

A file whose name ends with .p7m is encrypted, byte for byte as the archive has it. What it holds was decrypted for this
export and stands beside it, under the name without .p7m. provenance.json has the SHA-256 of both under "sha256" and
"decrypted". Seals, manifests and links of the archive vouch for the encrypted file. Who has the private key of one of its
recipients sees that the copy is what it holds:

    openssl cms -decrypt -binary -inform DER -in FILE.p7m -inkey KEY.pem -recip CERTIFICATE.pem | sha256sum
    sha256sum FILE

Who has none goes by record.json, which says under "original" what the recording was when it was received, and which was
itself encrypted.
"""
"""Follows if the archive was encrypted."""
