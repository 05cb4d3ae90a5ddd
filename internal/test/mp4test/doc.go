// SPDX-License-Identifier: GPL-3.0-or-later

// Package mp4test holds recordings in memory, from which package mp4 makes files. Its
// tests ensure what ffmpeg makes of those files. They take a while: those of package
// mp4 itself start no other program, and answer in seconds.
package mp4test
