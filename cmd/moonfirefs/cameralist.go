// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"io"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	cameralib "github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/internal/monitor"
	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

func newCameraListCommand(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List cameras with their state and footage",
		Long: `Lists the cameras. The state comes from the running recorder; without one, only
the footage is shown. FULL IN is the time until the quota or the disk is used
up, whichever comes first. "reached" means that the quota is used up and the
oldest footage is being deleted.

With --json, each camera has its streams as in status.json (docs/status.md),
with their addresses. Passwords are not shown.`,
		Example: `  moonfirefs camera list
  moonfirefs camera list --json`,
		Args: asUsage(noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.withStore(cmd, store.Reading, func(o *opened) error { return listCameras(o, asJSON) })
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// listedCamera is what is told of a camera.
type listedCamera struct {
	Name        string         `json:"name"`
	UUID        uuid.UUID      `json:"uuid"`
	Description string         `json:"description"`
	Retired     bool           `json:"retired"`
	Audio       bool           `json:"audio"`
	Username    string         `json:"username,omitempty"`
	Streams     []listedStream `json:"streams"`
}

// listedStream is how a stream is configured, and how it is doing.
type listedStream struct {
	// URL is redacted.
	URL       string               `json:"url"`
	Transport moonfirefs.Transport `json:"transport"`
	status.Stream
}

// noCameras is what is said of a store that has none yet.
const noCameras = "No cameras yet. Add one: moonfirefs camera add"

func listCameras(o *opened, asJSON bool) error {
	cameras, err := o.DB.Cameras(o.cmd.Context())
	if err != nil {
		return err
	}
	r, err := o.report()
	if err != nil {
		return err
	}
	all := listed(cameras, r)
	if asJSON {
		return printJSON(o.cmd.OutOrStdout(), all, storeIndent)
	}
	if len(all) == 0 {
		return o.printf(noCameras)
	}
	return printListedCameras(o.cmd.OutOrStdout(), all, r.Words())
}

// listed joins what is configured with what is reported.
func listed(cameras []moonfirefs.Camera, r *status.Report) []listedCamera {
	known := make(map[string]*status.Stream)
	for i := range r.Streams {
		known[r.Streams[i].Folder] = &r.Streams[i]
	}
	all := []listedCamera{}
	for i := range cameras {
		c := &cameras[i]
		line := listedCamera{Name: c.ShortName, UUID: c.UUID, Description: c.Description, Retired: c.Retired, Audio: !c.NoAudio, Username: c.Username}
		for j := range c.Streams {
			st := &c.Streams[j]
			s := known[st.FolderName(c)]
			if s == nil { // added a moment ago
				s = &status.Stream{Camera: c.ShortName, Stream: st.Kind, Folder: st.FolderName(c), RetainBytes: st.RetainBytes}
			}
			line.Streams = append(line.Streams, listedStream{cameralib.Redact(st.URL), st.Transport, *s})
		}
		all = append(all, line)
	}
	return all
}

func printListedCameras(out io.Writer, all []listedCamera, words status.Words) error {
	t := newTable(out)
	t.line("FOLDER\tSTATE\tRECORDED")
	for i := range all {
		for j := range all[i].Streams {
			s := &all[i].Streams[j].Stream
			t.row(s.Folder, words.State(s), s.RecordedText())
		}
	}
	t.line("\nFOLDER\tGOES BACK\tFULL IN\tDESCRIPTION")
	for i := range all {
		for j := range all[i].Streams {
			s := &all[i].Streams[j].Stream
			t.row(s.Folder, s.BackText(), s.FullText(), all[i].Description)
		}
	}
	t.line("\nFOLDER\tURL")
	for i := range all {
		for _, s := range all[i].Streams {
			t.row(s.Folder, s.URL)
		}
	}
	return t.flush()
}

// report is what the running recorder says, or what can be known without.
func (o *opened) report() (*status.Report, error) {
	r, err := monitor.Ask(o.path)
	if err == nil {
		return r, nil
	}
	if !errors.Is(err, monitor.ErrNoRecorder) {
		o.log.Warn("the recorder's status cannot be read", "err", err)
	}
	return monitor.NewCollector(o.Store).Report(o.cmd.Context(), 0)
}
