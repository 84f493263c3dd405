#!/usr/bin/env bash
# Installs Mesa's Vulkan on the processor (lavapipe), on which the tests of the webgpu engine run where there is no GPU. Dawn
# takes Mesa 25, not the 22 of Debian 12, which has 25 in its backports. For a root of Debian with apt; 12 MB of packages.
set -euo pipefail

[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || {
  echo 'software-vulkan.sh: needs root and apt' >&2
  exit 1
}
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq

version=$(apt-cache policy mesa-vulkan-drivers | sed -n 's/^ *Candidate: *\([0-9]*\).*/\1/p')
release=()
if [ "${version:-0}" -lt 25 ]; then
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  archive=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
    sed -n "s/^$codename //p" | head -1)
  echo "deb $archive $codename-backports main" >/etc/apt/sources.list.d/graft-backports.list
  apt-get update -qq
  release=(-t "$codename-backports")
fi
apt-get install -y -qq --no-install-recommends "${release[@]}" mesa-vulkan-drivers libvulkan1 >/dev/null

installed=$(dpkg-query -W -f '${Version}' mesa-vulkan-drivers)
if [ "${installed%%.*}" -lt 25 ]; then
  echo "software-vulkan.sh: Mesa $installed is too old for Dawn" >&2
  exit 1
fi
