"""testssl.sh over a listener: what it was asked, and the judgement of what it found."""

import json
import subprocess

from support.wait import seconds

# What it may find, by its own identifiers. Nothing else above INFO may be there.
EXCEPTED = {
    "cert_revocation": "leaves of the internal CA live for 90 days and are replaced; there is no CRL and no OCSP responder",
    "DNS_CAArecord": "a record of the zone, which is not ours to write",
    "engine_problem": "about the openssl of the machine that runs the scan",
    "sessionresumption_ticket": "its client hangs up at once, on a busy machine before the ticket has come; test_tls resumes",
}
HARMLESS = {"OK", "INFO", "DEBUG"}
# One finding of each part of the scan. Where one is missing, the scan did not come as far as that.
EXPECTED = {
    "SSLv3": "not offered", "TLS1": "not offered", "TLS1_1": "not offered", "TLS1_2": "offered", "TLS1_3": "offered",
    "cipherlist_NULL": "not offered", "cipherlist_STRONG": "offered", "PFS": "offered",
    "cert_chain_of_trust": "passed", "cert_trust": "Ok", "HSTS_time": "365 days",
    "heartbleed": "not vulnerable", "ROBOT": "not vulnerable", "secure_client_renego": "not vulnerable",
    "LUCKY13": "not vulnerable", "RC4": "not vulnerable", "scanTime": "",
}


def scan(port, ca_file, report):
    """Every finding of protocols, ciphers, certificate, headers and known attacks. The simulated browsers are left out:
    they judge nothing and take half of the time."""
    command = ["testssl", "--quiet", "--color", "0", "--warnings", "batch", "--nodns", "none", "--ip", "127.0.0.1",
               "--add-ca", ca_file, "-p", "-s", "-f", "-P", "-S", "-h", "-U", "--jsonfile", report, f"localhost:{port}"]
    done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=seconds(900), check=False)
    assert report.exists(), f"testssl ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return json.loads(report.read_text())


def problems(findings):
    """Lines about what may not be there and what is missing; none for a good listener."""
    seen = {finding["id"]: finding["finding"] for finding in findings}
    return [f"{one['severity']} {one['id']}: {one['finding']}" for one in findings
            if one["severity"] not in HARMLESS and one["id"] not in EXCEPTED] + [
        f"{name}: {seen.get(name, 'was not looked at')}" for name, wanted in EXPECTED.items()
        if name not in seen or not seen[name].startswith(wanted)]
