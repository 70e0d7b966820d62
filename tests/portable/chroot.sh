# Systems in chroots, for tests/portable/check and package, which set `work`, `suite` and `root` and are in the checkout.

say() { echo "portable: $suite: $*"; }

quietly() {  # quietly NAME COMMAND...: its output goes to a log that is shown only if it fails
    local log=$work/$suite-$1.log
    shift
    "$@" >"$log" 2>&1 || { tail -n 40 "$log" >&2; echo "tests/portable/check: failed; all of it: $log" >&2; return 1; }
}

mounted=()
leave() {
    local i
    for ((i = ${#mounted[@]} - 1; i >= 0; i--)); do umount "${mounted[i]}" 2>/dev/null || umount -l "${mounted[i]}" || true; done
}
trap leave EXIT

enter() {  # what a system in a chroot needs of this one's kernel
    [ ${#mounted[@]} = 0 ] || return 0
    local one
    for one in proc sys dev dev/pts dev/shm; do
        mount --bind "/$one" "$root/$one" && mounted+=("$root/$one")
    done
    mkdir -p "$root/src"
    # The copy is brought up to date and keeps what was built there; models and photos are not fetched twice.
    git ls-files -z --cached --others --exclude-standard | xargs -0 -I{} sh -c 'test -e "$1" && printf "%s\0" "$1"' _ {} |
        tar --null -cf - -T - | tar -xf - -C "$root/src"
    mkdir -p "$root/src/build"
    for one in models photos; do
        [ ! -d "build/$one" ] || [ -d "$root/src/build/$one" ] || cp -rL "build/$one" "$root/src/build/"
    done
}

inside() { chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 VULTUS_JOBS="${VULTUS_JOBS:-2}" \
    VULTUS_CMAKE=-DVULTUS_WERROR=OFF \
    bash -euc "cd /src && $*"; }

make_root() {
    [ ! -e "$root/made" ] || return 0
    # The first address that apt itself would use; the new system gets its settings and certificates too.
    local mirror
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
    # Interrupted, or out of room: begun anew, with what was downloaded.
    rm -rf --one-file-system "$root"
    quietly debootstrap debootstrap --variant=minbase --include=ca-certificates --cache-dir="$work" "$suite" "$root" "$mirror"
    apt-config dump | grep -E '^Acquire::(http|https|Check-Valid-Until|Retries)' >"$root/etc/apt/apt.conf.d/90host" || true
    cp -a /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/"
    chroot "$root" update-ca-certificates >/dev/null 2>&1
    for name in resolv.conf hosts pip.conf; do [ ! -e "/etc/$name" ] || cp -L "/etc/$name" "$root/etc/"; done
    touch "$root/made"
}
