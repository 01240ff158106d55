#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# examples/sensor: its clients in C and Python get samples, in order, each at its own pace, and errors as answers. It is
# removed and loaded again while others command it without pause; sensor_rounds=N on the kernel's command line says how
# often (20).
. guest.sh

control=/sys/devices/virtual/kucomms/kucomms
rounds=$(sed -n 's/.*sensor_rounds=\([0-9]*\).*/\1/p' /proc/cmdline)
rounds=${rounds:-20}

# Python without its library: what it needs to begin with is in a file.
python() {
	PYTHONHOME=/nowhere PYTHONPATH=/usr/bin/python.zip python3 -S "$@"
}

# samples COUNT FILE: as many lines, whose numbers go up.
samples() {
	[ "$(wc -l <"$2")" -eq "$1" ] || fail "not $1 samples: $(cat "$2")"
	sort -n -c "$2" || fail "the samples are not in order"
}

insmod /modules/kucomms_sensor.ko || fail "kucomms_sensor cannot be loaded"
write_to $control/create_device kucomms_sensor
for mode in adaptive thread poll; do
	write_to /sys/class/kucomms/kucomms_sensor/dispatch "$mode"
	sensor 100 1000 >c 2>c.end || fail "the client in C: $(cat c.end)"
	samples 100 c
	grep -q ' samples, [0-9]* missed$' c.end || fail "the client in C says: $(cat c.end)"
	python /usr/bin/sensor.py 50 500 >python.out 2>python.end || fail "the client in Python: $(cat python.end)"
	samples 50 python.out
	grep -q ' samples, [0-9]* missed$' python.end || fail "the client in Python says: $(cat python.end)"
done
expect_status 1 sensor 10 1000000
[ "$_output" = "sensor: Numerical result out of range" ] || fail "the client in C says: $_output"
expect_status 1 python /usr/bin/sensor.py 10 1000000
[ "$_output" = "sensor: Numerical result out of range" ] || fail "the client in Python says: $_output"

sensor 100 >together &
first=$!
sensor 100 100 >/dev/null || fail "two clients disturb each other"
wait $first || fail "two clients disturb each other"
samples 100 together

sensor-load 5 &
load=$!
round=0
while [ $round -lt "$rounds" ]; do
	round=$((round + 1))
	case $((round % 3)) in
	0) mode=adaptive ;;
	1) mode=thread ;;
	2) mode=poll ;;
	esac
	write_to /sys/class/kucomms/kucomms_sensor/dispatch "$mode"
	sensor 3 1000 >samples || fail "round $round: no samples"
	samples 3 samples
	rmmod kucomms_sensor || fail "round $round: kucomms_sensor cannot be removed"
	insmod /modules/kucomms_sensor.ko || fail "round $round: kucomms_sensor cannot be loaded"
done
kill -0 $load || fail "the load has ended"
killall -9 sensor-load
wait $load
rmmod kucomms_sensor
write_to $control/remove_device kucomms_sensor
echo "$rounds rounds"
