"""README.txt at the archive's root: how to check everything there with common tools and without this software."""

from __future__ import annotations

import hashlib

from cloud9_archive.errors import ArchiveConflictError
from cloud9_archive.storage.store import Store, Stored

README_KEY = "README.txt"
README_DIGESTS = (
    "89428692289fac44bf7e218fc7a2c573e4c10504e064c72b0c5e4fe14e4464b6",
    "26a7db9e13bf3e1a11397b5d83e1a1030c1ed488a0ab7b8eb72a30f587fbc50e",
    "69ba901d17a51c7f5784e798025602d0d94b6e734ed5446e90b0f5ccbc8d2119",
)
"""Digests of every text that a release ever wrote here; verify takes them all."""

README_TEXT = rb"""Archive of recorded calls, format 1
====================================

Each top folder belongs to one policy:

  <policy>/bags/YYYY/MM/DD/<bag id>/   a BagIt 1.0 bag (RFC 8493) with the files of one batch
  - data/recordings/<key>/             original audio as it was received, derivatives, record.json
  - data/calls/<key>.json              one call: as normalised, as received, and why it was recorded
  - tagmanifest-sha256.txt             the seal, written last: a folder without it is not finished
  <policy>/reports/YYYY/MM/DD/         reports of runs, and of days: day~YYYY-MM-DD
  <policy>/custody/YYYY/MM/DD/         legal holds, their releases, longer retention, and tombstones of what was removed
  <policy>/chain/00000001.json ...     one link per run: digests of its bags and reports, and of the link before
  - 00000001.sig  00000001.tsr         its signature and its time stamp, if it has them
  keys/<id>.pem                        public keys that links are signed with (belongs to no policy)

Nothing here is ever changed once written. To check that, go to the folder of this file and run the lines below with
bash. They need GNU coreutils and findutils, sed, jq and openssl. Every line that they print, except those with
"head", is a fault.

1. Every bag is whole, unaltered, and holds nothing else, but for the files that tombstones list as disposed of:

    shopt -s nullglob
    sorted() { sed '/^$/d' | LC_ALL=C sort; }
    gone=$(cat /dev/null */custody/*/*/*/*.json | jq -r 'select(.kind == "tombstone") | .prefix as $bag |
      .records[].files[] | .sha256 + "  " + $bag + "/" + .path' | sorted)
    for seal in */bags/*/*/*/*/tagmanifest-sha256.txt; do
      bag=$(dirname "$seal")
      kept=$(sed "s|  |  $bag/|" "$bag/manifest-sha256.txt" | sorted | LC_ALL=C comm -23 - <(sorted <<< "$gone"))
      (cd "$bag" && sha256sum --quiet --strict -c tagmanifest-sha256.txt) &&
      { [ -z "$kept" ] || sha256sum --quiet --strict -c <(printf '%s\n' "$kept"); } &&
      diff <(find "$bag" -path "$bag/data/*" ! -type d | sorted) <(sed 's/^[0-9a-f]*  //' <<< "$kept" | sorted) ||
      echo "DAMAGED, or holds what is disposed of: $seal"
    done

2. Every link follows the one before it, and what it vouches for is unaltered:

    for chain in */chain; do
      previous=null number=0
      for link in "$chain"/*.json; do
        number=$((number + 1))
        [ "$(jq -r .number "$link")" = "$number" ] || echo "GAP BEFORE: $link"
        [ "$(jq -r .previous "$link")" = "$previous" ] || echo "BROKEN: $link"
        jq -r '.members[] | .sha256 + "  " + .path' "$link" | sha256sum --quiet --strict -c - || echo "ALTERED: $link"
        previous=$(openssl dgst -sha256 -r "$link" | cut -d ' ' -f 1)
      done
      echo "$chain head $previous"
    done

3. Every bag, report and document of custody is vouched for by a link:

    comm -13 <(cat /dev/null */chain/*.json | jq -r '.members[].path' | LC_ALL=C sort) \
             <(printf '%s\n' */bags/*/*/*/*/tagmanifest-sha256.txt */reports/*/*/*/* */custody/*/*/*/* | LC_ALL=C sort) |
      sed '/^$/d; s/^/NOT IN THE CHAIN: /'

4. Every Merkle root (RFC 6962, over the lines that step 2 hands to sha256sum) is right:

    hash() { openssl dgst -sha256 -r | cut -d ' ' -f 1; }
    for link in */chain/*.json; do
      level=()
      while IFS= read -r line; do
        level+=("$({ printf '\0'; printf '%s\n' "$line"; } | hash)")
      done < <(jq -r '.members[] | .sha256 + "  " + .path' "$link")
      while [ ${#level[@]} -gt 1 ]; do
        above=()
        for ((i = 0; i + 1 < ${#level[@]}; i += 2)); do
          above+=("$({ printf '\1'; printf %b "$(sed 's/../\\x&/g' <<< "${level[i]}${level[i + 1]}")"; } | hash)")
        done
        if ((i < ${#level[@]})); then above+=("${level[i]}"); fi
        level=("${above[@]}")
      done
      [ "$(jq -r .merkle_root "$link")" = "${level[0]}" ] || echo "WRONG ROOT: $link"
    done

A missing end of a chain, together with its bags, leaves nothing that these lines could miss. Keep the head digests of
step 2 elsewhere; every run report carries the one that it follows. A head that you kept must be the digest of some link:

    for link in */chain/*.json; do openssl dgst -sha256 -r "$link"; done | sed 's/ \*/ head of /'

5. Every signature is right. A link that has a "key_id" is signed (Ed25519) by the key of that name; trust a copy of the
   public key that you kept elsewhere, and not keys/, which whoever can write here can replace:

    for link in */chain/*.json; do
      id=$(jq -r '.key_id // empty' "$link")
      [ -n "$id" ] || continue
      [ "$(openssl pkey -pubin -in "keys/$id.pem" -outform DER | openssl dgst -sha256 -r | cut -d ' ' -f 1)" = "$id" ] ||
        echo "NOT ITS KEY: keys/$id.pem"
      openssl pkeyutl -verify -pubin -inkey "keys/$id.pem" -rawin -in "$link" -sigfile "${link%.json}.sig" > /dev/null ||
        echo "WRONG SIGNATURE: $link"
    done

6. Every time stamp (RFC 3161) is right. Its authority's certificates are not here: name your copy first, tsa=FILE.
   After the authority's certificate has expired, add -attime and a moment within its life, in seconds since 1970:

    for link in */chain/*.json; do
      [ "$(jq -r '.timestamp // false' "$link")" = true ] || continue
      openssl ts -verify -data "$link" -in "${link%.json}.tsr" -CAfile "${tsa:?}" > /dev/null 2>&1 ||
        echo "WRONG TIME STAMP: $link"
    done

7. Files whose names end in .p7m are encrypted (CMS), and all of the above holds for them as they are. Whoever has the
   private key of one of the certificates that their bag-info.txt names sees with OpenSSL 3.0 or later that all of them
   open; name both first, key=FILE certificate=FILE. With -out FILE.ogg in place of /dev/null, you have one in plain:

    find . -type f -path './*/*/*' -name '*.p7m' | while IFS= read -r file; do
      openssl cms -decrypt -binary -inform DER -in "$file" -inkey "${key:?}" -recip "${certificate:?}" \
        -out /dev/null 2> /dev/null || echo "DOES NOT OPEN: $file"
    done

Any BagIt 1.0 tool can check one bag of which nothing was disposed of, for example: bagit.py --validate <policy>/bags/YYYY/MM/DD/<bag id>
"""


def write_readme(store: Store) -> Stored | None:
    """
    README.txt is in the archive.

    :returns: None if the text of another release stands there, which stays: it is right for this format too
    """
    try:
        return store.put(README_KEY, README_TEXT, sha256=hashlib.sha256(README_TEXT).hexdigest())
    except ArchiveConflictError:
        return None
