#!/bin/sh -eu
# Twelve addresses of all kinds; `tests/support/network.rs` has the same.
for bridge in br0 br1 br2; do
  ip link add "$bridge" type bridge
  ip link set "$bridge" addrgenmode none
  ip link set "$bridge" address "02:00:00:00:00:1${bridge#br}"
done
ip tuntap add dev tun0 mode tun
ip link set tun0 addrgenmode none
for interface in lo br0 br1 tun0; do ip link set "$interface" up; done
ip addr add 10.1.2.3/24 dev br0
ip addr add 10.1.2.200/24 dev br0
ip addr add 192.168.7.9/20 dev br0
ip addr add fd00:1::5/64 dev br0 nodad
ip addr add fe80::1/64 dev br0 nodad
ip addr add 172.16.5.4/12 dev br1
ip addr add 8.8.8.8/29 dev br1
ip addr add 2600:1::abcd/64 dev br1 nodad
ip addr add 10.9.9.9/8 dev br2
ip addr add 100.64.0.1 peer 100.64.0.2/32 dev tun0
ip route add default via 172.16.0.1 dev br1
