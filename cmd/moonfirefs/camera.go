// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	cameralib "github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/library"
)

func newCameraCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "camera",
		Short: "Manage cameras",
		Args:  onlyCommands,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newCameraAddCommand(g), newCameraListCommand(g), newCameraEditCommand(g), newCameraRemoveCommand(g), newCameraTestCommand(g), newCameraDiscoverCommand())
	return cmd
}

// cameraFlags are the flags of camera add.
type cameraFlags struct {
	description, sub       string
	limits, subLimits      limitFlags
	transport, certificate string
	username, passwordFile string
	dir                    string
	noTest, audio          bool
}

// addConnection adds the flags that say how to connect.
func (f *cameraFlags) addConnection(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.transport, "transport", string(moonfirefs.TCP), "tcp or udp")
	cmd.Flags().StringVar(&f.certificate, "certificate", "", "how the camera's certificate is verified, for rtsps://: roots (by authorities that this machine trusts), off, or its SHA-256")
	f.addCredentials(cmd)
}

func (f *cameraFlags) addCredentials(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.username, "username", "", "user name for the camera")
	cmd.Flags().StringVar(&f.passwordFile, "password-file", "", "file whose first line is the password; - is standard input")
}

func newCameraAddCommand(g *global) *cobra.Command {
	f := &cameraFlags{}
	cmd := &cobra.Command{
		Use:   "add NAME rtsp://HOST/PATH",
		Short: "Add a camera",
		Long: `Adds a camera. NAME becomes the name of its folder. A running recorder begins to
record it within a second.

The camera is tested first: it must send video that can be recorded. To add a camera
that is not connected yet, use --no-test.

The password is taken from $` + passwordVariable + `, from a file
(--password-file, - for standard input), or from a prompt. It may also be part of
the URL, but other users of this machine can see it there.`,
		Example: `  moonfirefs camera add driveway rtsp://192.0.2.10/main --username admin \
      --retain 500GB
  moonfirefs camera add garden rtsp://192.0.2.11/1 --retain 300GB \
      --sub rtsp://192.0.2.11/2 --sub-retain 20GB`,
		Args: asUsage(needs("NAME rtsp://HOST/PATH")),
		RunE: func(cmd *cobra.Command, args []string) error { return addCamera(cmd, g, f, args[0], args[1]) },
	}
	cmd.Flags().StringVar(&f.description, "description", "", "description of the camera")
	f.addAudio(cmd)
	f.limits.add(cmd, mainFlags, " (required)")
	cmd.Flags().StringVar(&f.sub, "sub", "", "URL of the sub stream, to record it as well")
	f.subLimits.add(cmd, subFlags, " (required with --sub)")
	cmd.Flags().StringVar(&f.dir, "dir", "", "directory to record to, as shown by \"dir list\" (default: the first)")
	cmd.Flags().BoolVar(&f.noTest, "no-test", false, "add the camera without testing it")
	f.addConnection(cmd)
	return cmd
}

func addCamera(cmd *cobra.Command, g *global, f *cameraFlags, name, address string) error {
	if strings.Contains(name, ":") { // not shown: it may be a URL with a password
		return &usageError{errors.New("the name comes first, then the URL, and a name has no colon")}
	}
	camera := &moonfirefs.Camera{UUID: uuid.New(), ShortName: name, Description: f.description, NoAudio: !f.audio, Username: f.username}
	if err := f.addStream(camera, mainFlags, address, &f.limits); err != nil {
		return err
	}
	if f.sub != "" {
		if err := f.addStream(camera, subFlags, f.sub, &f.subLimits); err != nil {
			return err
		}
	} else if !f.subLimits.empty() {
		return &usageError{errors.New("--sub-retain, --sub-retain-for and --sub-retain-events are for a sub stream: give its URL with --sub")}
	}
	if err := f.addPassword(cmd, camera); err != nil {
		return err
	}
	return g.withStore(cmd, store.Configuring, func(o *opened) error {
		dir, err := o.findRecordedDir(f.dir)
		if err != nil {
			return err
		}
		for i := range camera.Streams {
			camera.Streams[i].SampleDir = dir
		}
		if err := o.DB.CheckNewCamera(cmd.Context(), camera); err != nil {
			return err
		}
		var measured bitRates
		if !f.noTest {
			if measured, err = g.testNewCamera(o, camera); err != nil {
				return err
			}
		}
		if err := o.DB.AddCamera(cmd.Context(), camera); err != nil {
			return err
		}
		if err := o.printf("Added camera %s. Once it is recorded, %s in the mount shows it within seconds.", name,
			filepath.Join(camera.Streams[0].FolderName(camera), library.LatestFile)); err != nil {
			return err
		}
		return o.tellLimits(camera, measured, func(*moonfirefs.Stream) bool { return true })
	})
}

// testNewCamera says what a camera sends, and returns how much that is, or an error.
func (g *global) testNewCamera(o *opened, camera *moonfirefs.Camera) (measured bitRates, err error) {
	results, err := g.surveyCamera(o.cmd, camera, quickSurvey)
	if err != nil {
		return nil, err
	}
	if err := requireRecordable(results); err != nil {
		return nil, fmt.Errorf("%w (--no-test adds it anyway)", err)
	}
	measured = make(bitRates)
	for _, r := range results {
		measured[r.Stream] = r.BitsPerSecond
		if err := o.printf("The %s stream: %s", r.Stream, r.summary()); err != nil {
			return nil, err
		}
		for _, warning := range r.Warnings {
			if err := o.printf("  warning: %s", warning); err != nil {
				return nil, err
			}
		}
		if err := o.pin(camera, &r); err != nil {
			return nil, err
		}
	}
	return measured, nil
}

// pin shows the certificate of a stream, if nothing is said of how it is verified, and asks
// whether it is to be the only one that is accepted from now on.
func (o *opened) pin(camera *moonfirefs.Camera, r *surveyed) error {
	for i := range camera.Streams {
		stream := &camera.Streams[i]
		_, _, said, _ := cameralib.CertificateOf(stream.URL)
		if stream.Kind != r.Stream || said || r.CertificateSHA256 == "" {
			continue
		}
		if err := o.printf("  The camera's certificate has the SHA-256 %s.", r.CertificateSHA256); err != nil {
			return err
		}
		if !isTerminal(o.cmd.InOrStdin()) {
			return o.printf("  It is not verified. To accept no other: --certificate %s", r.CertificateSHA256)
		}
		if confirm(o.cmd, "Accept only this certificate from now on?", false) != nil {
			return o.printf("  It is not verified.")
		}
		var err error
		stream.URL, err = cameralib.WithCertificate(stream.URL, r.CertificateSHA256)
		return err
	}
	return nil
}

// addAudio adds the flag that says whether audio is recorded.
func (f *cameraFlags) addAudio(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.audio, "audio", true, "record audio if the camera sends AAC, Opus, G.711 or PCM; =false turns it off")
}

// addStream adds a stream as the flags say.
func (f *cameraFlags) addStream(c *moonfirefs.Camera, names streamFlags, address string, limits *limitFlags) error {
	if limits.retain == "" {
		return &usageError{fmt.Errorf("--%s is missing: how much disk space may the %s stream use?", names.retain, names.kind)}
	}
	if err := f.addAddress(c, names.kind, address); err != nil {
		return err
	}
	return limits.apply(&c.Streams[len(c.Streams)-1], names)
}

// addAddress adds a stream of an address.
func (f *cameraFlags) addAddress(c *moonfirefs.Camera, kind moonfirefs.StreamKind, address string) error {
	plain, err := takeUser(c, kind, address)
	if err != nil {
		return err
	}
	if plain, err = f.withCertificate(plain); err != nil {
		return err
	}
	c.Streams = append(c.Streams, moonfirefs.Stream{Kind: kind, URL: plain, Transport: moonfirefs.Transport(f.transport)})
	return nil
}

// withCertificate adds to a URL how the certificate is verified, if the flags say it.
func (f *cameraFlags) withCertificate(plain string) (string, error) {
	if f.certificate == "" {
		return plain, nil
	}
	if !strings.HasPrefix(plain, "rtsps://") && !strings.HasPrefix(plain, "rtsp+https://") && !strings.HasPrefix(plain, "https://") {
		return "", &usageError{errors.New("--certificate is for rtsps://, rtsp+https:// and https://")}
	}
	verified, err := cameralib.WithCertificate(plain, f.certificate)
	if err != nil {
		return "", &usageError{fmt.Errorf("--certificate %s: %w", f.certificate, err)}
	}
	return verified, nil
}

// takeUser takes user name and password out of a URL, and gives them to the
// camera.
func takeUser(c *moonfirefs.Camera, kind moonfirefs.StreamKind, address string) (plain string, err error) {
	u, err := url.Parse(address)
	if err != nil {
		// Without err, whose text would hold the password.
		return "", &usageError{fmt.Errorf("the URL of the %s stream cannot be parsed", kind)}
	}
	if u.User != nil {
		password, _ := u.User.Password()
		if other := c.Username != "" && c.Username != u.User.Username(); other || c.Password != "" && c.Password != password {
			return "", &usageError{fmt.Errorf("the URL of the %s stream has another user name or password: a camera has one of each", kind)}
		}
		c.Username, c.Password = u.User.Username(), password
		u.User = nil
	}
	return u.String(), nil
}
