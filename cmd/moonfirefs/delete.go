// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"regexp"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/moonfirefs/moonfirefs"
	cameralib "github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// deleteFlags are the flags of delete.
type deleteFlags struct {
	yes, list, json bool
}

func newDeleteCommand(g *global) *cobra.Command {
	f := &deleteFlags{}
	cmd := &cobra.Command{
		Use:   "delete {CAMERA FROM TO | --list}",
		Short: "Delete footage early",
		Long: `Deletes the footage of an interval of any length for good, after a confirmation. If a
recorder is running, it deletes the footage within seconds.

Every recording that overlaps the interval is deleted as a whole: up to a minute more
at either end, as the confirmation shows. The recording in progress is not deleted:
repeat the command once it is complete. Footage kept with "moonfirefs keep" must be
released first.

The mount no longer shows an hour that has lost a recording; what is left of it can be
opened as a clip. Copies in backups stay. An audit log records who deleted what and
when (--list).

` + civil.Forms,
		Example: `  moonfirefs delete driveway "2026-11-22 13:05" 13:20
  moonfirefs delete driveway yesterday today --yes
  moonfirefs delete --list`,
		Args: asUsage(f.args),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.list {
				return g.withStore(cmd, store.Reading, f.printDeletions)
			}
			var d *moonfirefs.Deletion
			err := g.withStore(cmd, store.Configuring, func(o *opened) (err error) {
				d, err = f.request(o, args)
				return err
			})
			if err != nil {
				return err
			}
			return g.carryOut(cmd, d)
		},
	}
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&f.list, "list", false, "list everything ever deleted with this command")
	cmd.Flags().BoolVar(&f.json, "json", false, "with --list: print JSON")
	return cmd
}

func (f *deleteFlags) args(cmd *cobra.Command, args []string) error {
	switch {
	case f.list:
		return noArguments(cmd, args)
	case f.json:
		return errors.New("--json requires --list")
	}
	return needs("CAMERA FROM TO")(cmd, args)
}

// request asks, then commits the request.
func (f *deleteFlags) request(o *opened, args []string) (*moonfirefs.Deletion, error) {
	stream, i, err := o.anyInterval(args)
	if err != nil {
		return nil, err
	}
	found, err := curate.Overlapping(o.cmd.Context(), o.DB, stream.ID, i)
	if err == nil && found.Recordings == 0 {
		err = curate.ErrNoFootage
	}
	if err != nil {
		return nil, o.explain(stream, i, err)
	}
	question := fmt.Sprintf("Delete the footage of %s from %s, %s, for good?", stream.Folder, o.times(found.Interval), footageText(found))
	if err := confirm(o.cmd, question, f.yes); err != nil {
		return nil, err
	}
	return curate.RequestDeletion(o.cmd.Context(), o.DB, stream, i, found.Last, requester())
}

// requester is whoever runs the program.
func requester() curate.Requester {
	return curate.Requester{Name: userName(), At90k: moonfirefs.FromTime(time.Now())}
}

// userName names whoever runs the program, also through sudo.
func userName() string {
	name := fmt.Sprintf("user %d", os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if sudo := os.Getenv("SUDO_USER"); sudo != "" {
		name = sudo + " as " + name
	}
	return name
}

// confirm asks a question, unless the answer was given before.
func confirm(cmd *cobra.Command, question string, yes bool) error {
	if yes {
		return nil
	}
	in := cmd.InOrStdin()
	if !isTerminal(in) {
		return &statusError{fmt.Errorf("%s There is no terminal to ask on. To do it, type: %s --yes", question, commandLine(cmd)), exitUsage}
	}
	_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "%s [y/N] ", printable.Lines(question))
	answer, err := awaitAnswer(cmd.Context(), func() (string, error) { return bufio.NewReader(in).ReadString('\n') })
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("ask: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errors.New("not confirmed; nothing was done")
}

// commandLine is what somebody has typed, for a shell, without secrets.
func commandLine(cmd *cobra.Command) string {
	words := append([]string{cmd.CommandPath()}, quoted(cmd.Flags().Args())...)
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed {
			words = append(words, "--"+f.Name+"="+quoted([]string{f.Value.String()})[0])
		}
	})
	return strings.Join(words, " ")
}

// plainWord matches what a shell takes as it is.
var plainWord = regexp.MustCompile(`^[\w@%+:,./-]+$`)

func quoted(words []string) []string {
	all := make([]string, len(words))
	for i, word := range words {
		if isAddress(word) {
			word = cameralib.Redact(word)
		}
		if !plainWord.MatchString(word) {
			word = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
		all[i] = word
	}
	return all
}

// carryOut carries out what was requested, or waits until the recorder that runs
// has done it, and says what was deleted.
func (g *global) carryOut(cmd *cobra.Command, d *moonfirefs.Deletion) error {
	log, err := g.logger(cmd)
	if err != nil {
		return err
	}
	open := func(mode store.Mode, act func(*store.Store) error) error {
		return g.withStore(cmd, mode, func(o *opened) error { return act(o.Store) })
	}
	done, err := curate.CarryOut(cmd.Context(), open, d.ID, log, func() {
		_, _ = fmt.Fprintln(cmd.ErrOrStderr(), "The running recorder will delete it within seconds.")
	})
	if interrupted(cmd.Context(), err) {
		_, _ = fmt.Fprintln(cmd.ErrOrStderr(), "The recorder will still delete it.")
	}
	if errors.Is(err, curate.ErrNotYet) {
		return fmt.Errorf("%w (see: moonfirefs delete --list)", err)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "Deleted %s of %s, %s.\n", counted(done.Recordings, "recording"), printable.Text(done.Folder), humanize.Bytes(uint64(done.SampleFileBytes)))
	return err
}

// deletionLine is what is told of a deletion.
type deletionLine struct {
	Folder           string             `json:"folder"`
	StartTime90k     moonfirefs.Time90k `json:"startTime90k"`
	EndTime90k       moonfirefs.Time90k `json:"endTime90k"`
	RequestedTime90k moonfirefs.Time90k `json:"requestedTime90k"`
	RequestedBy      string             `json:"requestedBy"`
	// DoneTime90k is missing until it has been carried out.
	DoneTime90k     moonfirefs.Time90k `json:"doneTime90k,omitempty"`
	Recordings      int64              `json:"recordings"`
	SampleFileBytes int64              `json:"sampleFileBytes"`
}

func (f *deleteFlags) printDeletions(o *opened) error {
	all, err := o.DB.Deletions(o.cmd.Context())
	if err != nil {
		return err
	}
	if f.json {
		lines := []deletionLine{}
		for _, d := range all {
			lines = append(lines, deletionLine{
				d.Folder, d.Start90k, d.End90k, d.Requested90k, d.RequestedBy, d.Done90k, d.Recordings, d.SampleFileBytes,
			})
		}
		return printJSON(o.cmd.OutOrStdout(), lines, storeIndent)
	}
	t := newTable(o.cmd.OutOrStdout())
	t.line("REQUESTED\tBY\tCAMERA\tDELETED\tINTERVAL")
	for _, d := range all {
		deleted, interval := "not yet", "all"
		if d.Done90k != 0 {
			deleted = humanize.Bytes(uint64(d.SampleFileBytes))
		}
		if d.Start90k != moonfirefs.MinTime90k {
			interval = o.minutes(d.Interval())
		}
		t.row(o.minute(d.Requested90k), d.RequestedBy, d.Folder, deleted, interval)
	}
	return t.flush()
}
