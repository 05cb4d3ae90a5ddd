# SPDX-License-Identifier: GPL-3.0-or-later
#
# How C is compiled and linked. go-astiav can do more than this project asks of it; what
# nobody calls goes (--gc-sections, for which functions must be apart), and with it the
# libraries that only that would need (--as-needed; lld looks at what is left, where GNU
# ld looks at all). That is 80 libraries less to load, 17 MB, and half of the time that
# the program takes to start.
export CGO_CFLAGS := -O2 -g -ffunction-sections $(CGO_CFLAGS)
export CGO_LDFLAGS := -fuse-ld=lld -Wl,--gc-sections -Wl,--as-needed $(CGO_LDFLAGS)
