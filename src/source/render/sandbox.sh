# Runs a program that sees its workspace, the system's own programs, and nothing else.
# Called in user, mount, network, process and IPC namespaces of its own, as root of these.
set -eu
umask 077
work=$1 program=$2 network=$3 unshare=$4
shift 4
root=$work/root
# The user's PATH is for the program. It may lack the directory of pivot_root, which is a system tool.
path=$PATH
PATH=/usr/sbin:/usr/bin:/sbin:/bin
# Each program that this starts costs as much as a small rendering, so that few are started.
directory() { [ -d "$1" ] || mkdir -p "$1"; }
directory "$root"
mount -t tmpfs -o mode=0755,size=4m tmpfs "$root"
fixed() { mount -o remount,bind,ro "$root$1" 2>/dev/null || mount -o remount,bind,ro,nosuid,nodev "$root$1"; }
folder() {
  if [ -L "$1" ]; then directory "$root${1%/*}"; cp -P "$1" "$root$1"
  elif [ -d "$1" ]; then directory "$root$1"; mount --rbind "$1" "$root$1"; fixed "$1"; fi
}
file() { directory "$root${1%/*}"; : > "$root$1"; mount --bind "$1" "$root$1"; }
mkdir -p "$root/usr" "$root/dev" "$root/old" "$root$work"
links=
for each in /bin /sbin /lib /lib32 /lib64 /libx32; do
  if [ -L "$each" ]; then links="$links $each"; else folder "$each"; fi
done
if [ -n "$links" ]; then cp -P $links "$root/"; fi
for each in /usr /nix/store /gnu/store; do folder "$each"; done
for each in /dev/null /dev/zero /dev/urandom; do file "$each"; done
if [ "$network" = yes ]; then
  for each in /etc/ssl /etc/pki /etc/ca-certificates; do folder "$each"; done
  for each in /etc/resolv.conf /etc/hosts /etc/nsswitch.conf "${SSL_CERT_FILE:-}" "${GIT_SSL_CAINFO:-}"; do
    if [ -f "$each" ] && [ ! -e "$root$each" ]; then directory "$root${each%/*}"; cat "$each" > "$root$each"; fi
  done
  if [ -d "${SSL_CERT_DIR:-}" ] && [ ! -e "$root$SSL_CERT_DIR" ]; then folder "$SSL_CERT_DIR"; fi
fi
if [ ! -e "$root$program" ]; then file "$program"; fixed "$program"; fi
mount --bind "$work" "$root$work"
# What mounts asks there, and is gone with the old root.
ln -s old/proc "$root/proc"
cd "$root"
pivot_root . old
mount -o remount,bind,ro /
umount -l /old
cd "$work"
# In yet another user namespace, of which it is not root, it has no rights to undo this.
PATH=$path
exec "$unshare" --user -- "$program" "$@"
