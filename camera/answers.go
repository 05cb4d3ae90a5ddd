package camera

import (
	"regexp"
	"strings"
)

// Description is what a camera says of its stream before it plays.
type Description struct {
	// Codec is the name of the video codec.
	Codec string
	// Sprop says that there are parameter sets.
	Sprop bool
	// Audio are the encodings of the audio beside the video, as in SDP.
	Audio []string
}

// Description returns what the camera says of its stream.
func (s *Session) Description() Description { return s.description }

// answers are what a camera has said to requests, as libavformat logs it. Its
// errors tell less: all but the most common refusals look the same, as does a
// session description of which nothing is wanted.
type answers struct {
	// noVideo says that the session description has no video.
	noVideo bool
	// audio has the encodings of the audio in the session description.
	audio []string
	// refusal is the method and the status line of the last refusal.
	refusal string
}

var (
	// refusedMethod finds what libavformat logs of a refusal; that of FFmpeg 7.1 leaves
	// out the space behind the number. A status line is not longer than this in
	// earnest.
	refusedMethod = regexp.MustCompile(`method ([A-Z_]+) failed: ([0-9]{3})([ -~]{0,60})`)
	// audioDescription finds a media description of audio up to the next one, and its
	// payload type; rtpMap the encoding (RFC 8866 §5.14, §6.6).
	audioDescription = regexp.MustCompile(`(?m)^m=audio [0-9/]+ [A-Z/]+ ([0-9]+)[^\n]*\n(?:[^m][^\n]*\n?)*`)
	rtpMap           = regexp.MustCompile(`(?m)^a=rtpmap:([0-9]+) +([!-~]{1,40})`)
	// staticAudio are the payload types that need no rtpmap (RFC 3551 §6).
	staticAudio = map[string]string{"0": "PCMU/8000", "8": "PCMA/8000", "14": "MPA/90000"}
)

// learn looks at a line, which may have been cut at its end.
func (a *answers) learn(line string, cut bool) {
	if _, description, found := strings.Cut(line, "SDP:\n"); found {
		description = strings.ReplaceAll(description, "\r\n", "\n")
		a.noVideo = !cut && !strings.Contains("\n"+description, "\nm=video ")
		a.audio = audioIn(description)
	} else if m := refusedMethod.FindStringSubmatch(line); m != nil {
		a.refusal = strings.TrimSpace(m[1] + ": " + m[2] + " " + strings.TrimSpace(m[3]))
	}
}

// audioIn lists the encodings of the audio in a session description.
func audioIn(description string) (encodings []string) {
	for _, media := range audioDescription.FindAllStringSubmatch(description, -1) {
		encoding := staticAudio[media[1]]
		for _, m := range rtpMap.FindAllStringSubmatch(media[0], -1) {
			if m[1] == media[1] {
				encoding = m[2]
			}
		}
		if encoding == "" {
			encoding = "payload type " + media[1]
		}
		encodings = append(encodings, encoding)
	}
	return encodings
}
