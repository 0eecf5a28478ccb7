#!/bin/sh -eu
# Addresses that documentation, tests and transitions have set aside, and no default route.
for bridge in br0 br1; do
  ip link add "$bridge" type bridge
  ip link set "$bridge" addrgenmode none
  ip link set "$bridge" address "02:00:00:00:00:1${bridge#br}"
done
for interface in lo br0 br1; do ip link set "$interface" up; done
ip addr add 203.0.113.7/24 dev br0
ip addr add 169.254.3.4/16 dev br0
ip addr add 2001:db8::1/32 dev br0 nodad
ip addr add 198.18.0.9/15 dev br1
ip addr add 192.0.2.1/31 dev br1
ip addr add 192.88.99.5/24 dev br1
ip addr add 2001:db8::2/127 dev br1 nodad
ip addr add 64:ff9b::1/96 dev br1 nodad
ip addr add 2002:c000:204::1/48 dev br1 nodad
