// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	cameralib "github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/survey"
)

// quickSurvey is how long a camera is looked at before it is added.
var quickSurvey = survey.Extent{Duration: 5 * time.Second, GOPs: 1}

// defaultSurvey is long enough to tell a group of pictures that is too long.
const defaultSurvey = survey.LongGOP + 2*time.Second

func newCameraTestCommand(g *global) *cobra.Command {
	f := &cameraFlags{}
	var duration time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "test NAME|rtsp://HOST/PATH",
		Short: "Connect to a camera and say what it sends",
		Long: `Connects to a camera of the store, or to any URL, and reports what it sends and
what is wrong with it. Nothing is recorded. A recorder may be running; note that
some cameras accept only a few connections at once.

The longer the test (--for), the more exact the clock drift. The report says how
exact it is.

Exit status: 0 if all streams can be recorded, 1 if not. Warnings do not change it.`,
		Example: `  moonfirefs camera test driveway
  moonfirefs camera test rtsp://192.0.2.10/h264/main --username admin --for 5m`,
		Args: asUsage(needs("NAME|rtsp://HOST/PATH")),
		RunE: func(cmd *cobra.Command, args []string) error {
			if duration < time.Second {
				return &usageError{fmt.Errorf("--for %v: must be at least 1s", duration)}
			}
			camera, err := g.cameraToTest(cmd, f, args[0])
			if err != nil {
				return err
			}
			results, err := g.surveyCamera(cmd, camera, survey.Extent{Duration: duration})
			if err != nil {
				return err
			}
			return printResults(cmd.OutOrStdout(), results, asJSON)
		},
	}
	f.addConnection(cmd)
	cmd.Flags().DurationVar(&duration, "for", defaultSurvey, "how long to look at each stream, counted from the first key frame")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// cameraToTest finds the camera that a person has named, or makes one of a URL.
func (g *global) cameraToTest(cmd *cobra.Command, f *cameraFlags, name string) (camera *moonfirefs.Camera, err error) {
	if strings.Contains(name, "://") {
		camera = &moonfirefs.Camera{Username: f.username}
		if err := f.addAddress(camera, moonfirefs.MainStream, name); err != nil {
			return nil, err
		}
		return camera, f.addPassword(cmd, camera)
	}
	if moonfirefs.CheckShortName(name) != nil { // not shown: it could be half a URL, with a password
		return nil, &usageError{errors.New("that is neither the name of a camera nor a URL")}
	}
	err = g.withStore(cmd, store.Reading, func(o *opened) error {
		camera, err = curate.FindCamera(o.cmd.Context(), o.DB, name)
		return err
	})
	return camera, err
}

// surveyed is what was found out about one stream.
type surveyed struct {
	Camera string                `json:"camera,omitempty"`
	Stream moonfirefs.StreamKind `json:"stream,omitempty"`
	// URL is redacted.
	URL string `json:"url"`
	// Error says why it cannot be recorded; then there is no report.
	Error string `json:"error,omitempty"`
	*survey.Report

	// verified says how the certificate was verified.
	verified string
}

// verifiedBy says how the certificate of a URL is verified.
func verifiedBy(url string) string {
	switch _, certificate, said, _ := cameralib.CertificateOf(url); {
	case certificate.Roots:
		return "verified by the authorities that this machine trusts"
	case len(certificate.Fingerprint) > 0:
		return "which is the one that is wanted"
	case said:
		return "not verified, as it was asked for"
	}
	return "not verified"
}

// surveyCamera looks at each stream in turn. An error is about the command, not
// about the camera.
func (g *global) surveyCamera(cmd *cobra.Command, c *moonfirefs.Camera, extent survey.Extent) (results []surveyed, err error) {
	quiet := *g
	if quiet.logLevel == defaultLogLevel {
		quiet.logLevel = "warn" // what there is to say, the results say
	}
	log, err := quiet.logger(cmd)
	if err != nil {
		return nil, err
	}
	for i := range c.Streams {
		stream := &c.Streams[i]
		r := surveyed{Camera: c.ShortName, Stream: stream.Kind, URL: cameralib.Redact(stream.URL), verified: verifiedBy(stream.URL)}
		_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "Testing %s …\n", printable.Text(r.URL))
		log := log.With("camera", c.ShortName, "stream", stream.Kind)
		r.Report, err = survey.Take(cmd.Context(), cameralib.Config{
			URL: stream.URL, Username: c.Username, Password: c.Password, Transport: stream.Transport, Logger: log,
		}, extent)
		if errors.Is(err, context.Canceled) {
			return nil, err
		}
		if err != nil {
			r.Error = err.Error()
		}
		results = append(results, r)
	}
	return results, nil
}

// errNotRecordable is returned when a camera that was tested cannot be recorded.
var errNotRecordable = errors.New("the camera cannot be recorded")

// requireRecordable returns an error with the reasons, unless all is well.
func requireRecordable(results []surveyed) error {
	var reasons []string
	for _, r := range results {
		if r.Error != "" {
			reasons = append(reasons, r.Error)
		}
	}
	if reasons == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", errNotRecordable, strings.Join(reasons, "; "))
}

func printResults(out io.Writer, results []surveyed, asJSON bool) error {
	if asJSON {
		if err := printJSON(out, results, cameraIndent); err != nil {
			return err
		}
		return requireRecordable(results)
	}
	for _, r := range results {
		if r.Error == "" {
			if _, err := fmt.Fprintf(out, "%s\n%s", printable.Text(r.URL), r.details()); err != nil {
				return err
			}
		}
	}
	return requireRecordable(results)
}

// summary is one line for people.
func (r *surveyed) summary() string {
	return fmt.Sprintf("%s, %d×%d, %.3g frames/s, %s", r.Codec, r.Width, r.Height, r.FramesPerSecond, bitRate(r.BitsPerSecond))
}

// details is for people, a line for each thing.
func (r *surveyed) details() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-12s %s\n", name, fmt.Sprintf(format, printable.Values(args)...))
	}
	line("codec", "%s (%s)", r.Codec, r.RFC6381Codec)
	line("resolution", "%d×%d", r.Width, r.Height)
	line("frame rate", "%.1f frames/s", r.FramesPerSecond)
	line("bit rate", "%s: %s a day", bitRate(r.BitsPerSecond), humanize.Bytes(uint64(r.BitsPerSecond/8*24*60*60)))
	if r.GOPFrames > 0 {
		line("GOP", "%s, %.1f s", counted(int(math.Round(r.GOPFrames)), "frame"), r.GOPSeconds)
	} else {
		line("GOP", "longer than %.0f s", r.Seconds)
	}
	if r.DriftUncertaintyPPM > 0 {
		line("clock drift", "%+.0f ± %.0f millionths (over %.0f s)", r.DriftPPM, r.DriftUncertaintyPPM, r.Seconds)
	}
	line("time stamps", "%s", r.paceText())
	line("packets", "%s", r.packetsText())
	authentication, keptAlive := "none", "not known"
	if r.Authentication != "" {
		authentication = r.Authentication
	}
	if r.KeptAliveBy != "" {
		keptAlive = r.KeptAliveBy
	}
	line("password", "%s", authentication)
	if r.CertificateSHA256 != "" {
		line("certificate", "SHA-256 %s, %s", r.CertificateSHA256, r.verified)
	}
	line("kept alive", "%s", keptAlive)
	audio := "none"
	if len(r.Audio) > 0 {
		audio = strings.Join(r.Audio, ", ")
	}
	line("audio", "%s", audio)
	for _, reason := range r.NotRecorded {
		line("not recorded", "%s", reason)
	}
	line("first frame", "%.1f s after the connection, which took %.1f s", r.FirstFrameSeconds, r.ConnectSeconds)
	for _, warning := range r.Warnings {
		line("warning", "%s", warning)
	}
	return b.String()
}

// paceText says how fast the time stamps go.
func (r *surveyed) paceText() string {
	if r.Pace == 0 || math.Abs(r.Pace-1) < 0.1 {
		return "as fast as time"
	}
	return fmt.Sprintf("%.3g times as fast as time", r.Pace)
}

// packetsText says what came of what was sent.
func (r *surveyed) packetsText() string {
	if r.Packets == 0 {
		return "not known"
	}
	text := fmt.Sprintf("%d, %d lost", r.Packets, r.LostPackets)
	for _, other := range []struct {
		count int64
		what  string
	}{{r.DuplicatePackets, "came twice"}, {r.ForeignPackets, "of other sources"}, {r.Resyncs, "times something else between them"}} {
		if other.count > 0 {
			text += fmt.Sprintf(", %d %s", other.count, other.what)
		}
	}
	return text
}

func bitRate(bitsPerSecond float64) string {
	return humanize.SIWithDigits(bitsPerSecond, 1, "bit/s")
}
