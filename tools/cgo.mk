# SPDX-License-Identifier: GPL-3.0-or-later
#
# How C is compiled and linked. go-astiav can do more than this project asks of it; what
# nobody calls goes (--gc-sections, for which functions must be apart), and with it the
# libraries that only that would need (--as-needed; lld looks at what is left, where GNU
# ld looks at all). That is 80 libraries less to load, 17 MB, and half of the time that
# the program takes to start.
#
# SQLite calls fsync where fdatasync would do, unless it is told that the system has one that
# works. What that leaves out are the times of a file: a commit to a WAL that does not grow is
# then one flush of the disk and not a commit of the file system's log as well.
export CGO_CFLAGS := -O2 -g -ffunction-sections -DHAVE_FDATASYNC $(CGO_CFLAGS)
export CGO_LDFLAGS := -fuse-ld=lld -Wl,--gc-sections -Wl,--as-needed $(CGO_LDFLAGS)
