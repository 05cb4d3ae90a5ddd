// SPDX-License-Identifier: GPL-3.0-or-later

// Package servertest records RTSP servers that are not of this project, GStreamer's and
// mediamtx, to which ffmpeg publishes footage, and compares the files in the mount with
// what was published. Its long form takes ten minutes: make servertest. There are only
// tests.
package servertest
