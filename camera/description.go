// SPDX-License-Identifier: GPL-3.0-or-later

package camera

// Description is what a camera says of its stream before it plays.
type Description struct {
	// Codec is the name of the video codec.
	Codec string
	// Sprop says that there are parameter sets.
	Sprop bool
	// Audio are the encodings of the audio beside the video, as in SDP.
	Audio []string
	// Authentication is how we have authenticated: "digest SHA-256", "basic"; empty if the
	// camera did not ask, or if it is not known.
	Authentication string
	// NotRecorded are streams that are not recorded, each with the reason, for people.
	NotRecorded []string
	// Fingerprint is the SHA-256 of the camera's certificate in hexadecimal, whether it
	// was verified or not; empty if the connection is not encrypted.
	Fingerprint string
}
