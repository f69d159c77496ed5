"""Makes the certificates of this folder with python3-cryptography, so that our reader meets another's writer.

The keys are thrown away. Run it only to add a case: x509_test.cpp knows the fingerprint of names.pem.
"""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def write(file, common_name, names, serial):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(datetime.datetime(2024, 1, 2, 3, 4, 5))
        .not_valid_after(datetime.datetime(9999, 12, 31, 23, 59, 59))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    with open(file, "wb") as out:
        out.write(certificate.public_bytes(serialization.Encoding.PEM))
    print(file, certificate.fingerprint(hashes.SHA256()).hex())


write(
    "names.pem",
    "Names & more",
    [
        x509.DNSName("API.example.com"),
        x509.DNSName("*.example.org"),
        x509.IPAddress(ipaddress.ip_address("192.0.2.7")),
        x509.IPAddress(ipaddress.ip_address("2001:db8::7")),
        x509.UniformResourceIdentifier("spiffe://example.com/agent/7"),
        x509.RFC822Name("someone@example.com"),
    ],
    0x0F1E2D3C4B5A69788796A5B4C3D2E1F0,
)
write("other.pem", "other", [], 1)
write(
    "nul-name.pem",
    "good.example.com\0.example.net",
    [x509.DNSName("good.example.com"), x509.DNSName("good.example.com\0.example.net")],
    2,
)
