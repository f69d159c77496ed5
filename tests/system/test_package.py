"""The Debian package: made from the build, installed into a root of its own, upgraded, removed, purged. The root is the running system
with a layer above it, in namespaces of their own: nothing of it is left behind, and no systemd runs there."""

import os
import shutil
import subprocess

import pytest

from support.gateway import BINARY, ROOT
from support.wait import seconds

BUILD = BINARY.parent


def can_lay_over(folder):
    script = f"mount -t tmpfs none {folder} && mkdir {folder}/u {folder}/w {folder}/r && " \
             f"mount -t overlay none -o lowerdir=/,upperdir={folder}/u,workdir={folder}/w {folder}/r"
    return subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """The package of this build, and one of a higher version."""
    if not shutil.which("dpkg-shlibdeps") or not (BUILD / "CPackConfig.cmake").exists():
        pytest.skip("no dpkg-dev, or the build folder makes no package")
    folder = tmp_path_factory.mktemp("packages")
    # Only what the package holds is built: this builds nothing where the binary is up to date.
    subprocess.run(["cmake", "--build", str(BUILD), "--target", "gatehouse", "pages"], check=True, capture_output=True, timeout=seconds(900))
    made = []
    for version in ("0.1.0", "99.0.0"):
        out = folder / version
        done = subprocess.run(["cpack", "-G", "DEB", "-B", str(out), "-D", f"CPACK_PACKAGE_VERSION={version}",
                               "-D", f"CPACK_INSTALL_CMAKE_PROJECTS={BUILD};gatehouse;ALL;/"],
                              cwd=BUILD, capture_output=True, text=True, timeout=seconds(300), check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        made += list(out.glob("*.deb"))
    assert len(made) == 2
    return made


def control(package, field):
    return subprocess.run(["dpkg-deb", "--field", package, field], capture_output=True, text=True, check=True).stdout.strip()


def test_the_package_says_what_it_needs_and_holds(packages):
    assert control(packages[0], "Package") == "gatehouse" and control(packages[0], "Version") == "0.1.0"
    needs = control(packages[0], "Depends")
    assert "libssl3" in needs and "libpq5" in needs and "libc6 (>= " in needs and "adduser" in needs
    listed = subprocess.run(["dpkg-deb", "--contents", packages[0]], capture_output=True, text=True, check=True).stdout
    held = {line.split()[5].removeprefix("."): line.split()[:2] for line in listed.splitlines()}
    for path in ("/usr/bin/gatehouse", "/lib/systemd/system/gatehouse.service", "/etc/gatehouse/gatehouse.yaml", "/etc/logrotate.d/gatehouse",
                 "/usr/share/man/man1/gatehouse.1.gz", "/usr/share/man/man5/gatehouse.yaml.5.gz", "/usr/share/bash-completion/completions/gatehouse",
                 "/usr/share/doc/gatehouse/copyright"):
        assert held[path][1] == "root/root", path
    assert held["/usr/bin/gatehouse"][0] == "-rwxr-xr-x"
    assert not [path for path in held if str(ROOT) in path or "/build/" in path]


LIFE = r"""
set -eux
root=$1 first=$2 second=$3
mount -t tmpfs none "$root"
mkdir "$root/u" "$root/w" "$root/r"
mount -t overlay none -o "lowerdir=/,upperdir=$root/u,workdir=$root/w" "$root/r"
cp "$first" "$root/r/first.deb"; cp "$second" "$root/r/second.deb"
mount --rbind /dev "$root/r/dev"; mount -t proc none "$root/r/proc"; mount -t tmpfs none "$root/r/run"
cat >"$root/r/life.sh" <<'END'
set -eux
export DEBIAN_FRONTEND=noninteractive
dpkg --force-depends --install /first.deb
[ "$(stat -c '%U:%G %a' /var/lib/gatehouse)" = 'gatehouse:gatehouse 700' ]
[ "$(stat -c '%U:%G %a' /etc/gatehouse/gatehouse.yaml)" = 'root:gatehouse 640' ]
ip link set lo up
service='setpriv --reuid gatehouse --regid gatehouse --init-groups --no-new-privs --bounding-set -all'
as_service() { $service "$@"; }
start() {
    as_service sh -ec "$(sed -n 's/^ExecStartPre=//p' /lib/systemd/system/gatehouse.service)"
    $service $(sed -n 's/^ExecStart=//p' /lib/systemd/system/gatehouse.service) >/run/out 2>&1 &
    pid=$!
    for _ in $(seq 100); do gatehouse health --config /etc/gatehouse/gatehouse.yaml && return; sleep 0.2; done
    cat /run/out; exit 1
}
stop() { kill -TERM $pid; wait $pid; }
start
as_service gatehouse key create nightly --role user --config /etc/gatehouse/gatehouse.yaml >/run/key
stop
echo '# edited by the operator' >>/etc/gatehouse/gatehouse.yaml
sha256sum /var/lib/gatehouse/ca.pem >/run/ca
dpkg --force-depends --install /second.deb
dpkg-query -W -f '${Version}' gatehouse | grep -x 99.0.0
grep -q 'edited by the operator' /etc/gatehouse/gatehouse.yaml
start
as_service gatehouse key list --config /etc/gatehouse/gatehouse.yaml | grep nightly
sha256sum -c /run/ca
curl --silent --insecure https://localhost:8443/ >/dev/null
stop
test -s /var/log/gatehouse/access.log
rm /etc/gatehouse/gatehouse.yaml && dpkg --force-depends --force-downgrade --install /first.deb
dpkg --force-depends --force-confmiss --install /second.deb
dpkg --remove gatehouse
test ! -e /usr/bin/gatehouse
test -e /var/lib/gatehouse/ca.pem && test -e /etc/gatehouse/gatehouse.yaml
dpkg --purge gatehouse
test ! -e /var/lib/gatehouse && test ! -e /etc/gatehouse/gatehouse.yaml && test ! -e /var/log/gatehouse
echo the whole life
END
chroot "$root/r" /bin/sh /life.sh
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="a root of its own wants root")
def test_install_start_upgrade_remove_purge(packages, tmp_path):
    if not can_lay_over(tmp_path):
        pytest.skip("this kernel lays no file system over another here")
    done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--net", "sh", "-c", LIFE, "sh", str(tmp_path), *map(str, packages)],
                          capture_output=True, text=True, timeout=seconds(300), check=False)
    assert done.returncode == 0 and done.stdout.endswith("the whole life\n"), done.stdout[-3000:] + done.stderr[-4000:]
