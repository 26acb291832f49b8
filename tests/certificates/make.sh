#!/bin/sh
# Makes the certificates of this folder anew, with fixed dates. Their keys are public: they are for tests alone.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/ca.conf" <<END
[ca]
default_ca = tests
[tests]
database = $work/index
rand_serial = yes
new_certs_dir = $work
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
END
: >"$work/index"

request() { # name, where its key goes
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=bindery test $1" \
        -keyout "$2" -out "$work/$1.csr"
}

sign() { # name, from, until, how
    from=$2 until=$3 name=$1
    shift 3
    openssl ca -batch -config "$work/ca.conf" -in "$work/$name.csr" -startdate "$from" -enddate "$until" \
        -extfile "$work/$name.ext" -notext -out "$name.pem" "$@"
}

certificate() { # name, subject alternative name, until
    request "$1" "$1.key"
    printf 'subjectAltName=%s\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n' \
        "$2" >"$work/$1.ext"
    sign "$1" 20200101000000Z "$3" -cert authority.pem -keyfile "$work/authority.key"
}

request authority "$work/authority.key"
printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n' \
    >"$work/authority.ext"
sign authority 20200101000000Z 21200101000000Z -selfsign -keyfile "$work/authority.key"
certificate server "DNS:localhost,IP:127.0.0.1" 21200101000000Z
certificate client "DNS:client.example" 21200101000000Z
certificate expired "DNS:localhost" 20200102000000Z
