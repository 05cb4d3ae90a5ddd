// SPDX-License-Identifier: GPL-3.0-or-later

package camera

// #cgo pkg-config: libavformat libavcodec
// #include <libavcodec/avcodec.h>
// #include <libavformat/avformat.h>
import "C"

import "fmt"

// LibavformatVersion is the version of the libavformat that is loaded, such as
// 59.27.100, which may be newer than the one that the program was built with.
func LibavformatVersion() string { return libavVersion(uint(C.avformat_version())) }

// LibavcodecVersion is that of libavcodec.
func LibavcodecVersion() string { return libavVersion(uint(C.avcodec_version())) }

// libavVersion formats a number of the form of AV_VERSION_INT: major, minor and micro
// version in 16, 8 and 8 bits.
func libavVersion(number uint) string {
	return fmt.Sprintf("%d.%d.%d", number>>16, number>>8&0xff, number&0xff)
}
