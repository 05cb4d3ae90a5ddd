// SPDX-License-Identifier: GPL-3.0-or-later

// Go would otherwise read once a second whether this process may use more processors now,
// which wakes a recorder that waits for its camera.
//
//go:debug updatemaxprocs=0

// Command moonfirefs records IP cameras and shows the footage as a read-only
// file system. This package is flags, logging, signals and wiring.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // the zone of a store must be found on every machine

	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs/internal/durable"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
	"github.com/moonfirefs/moonfirefs/internal/printable"
)

func main() {
	boundGarbage()
	// A log that nobody reads any more must not end a recorder.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// A second signal ends the program at once, unless it is the same keystroke,
	// sent to the process and to its group.
	context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, stop) })
	ending := endingOf(os.Args[1:])
	errOut, flush := errorOutput(ending)
	exit := func(status int) {
		flush()
		os.Exit(status)
	}
	ended := endInTime(ctx, ending, errOut, durable.RemoveUnfinished, exit)
	status := execute(ctx, os.Args[1:], os.Stdin, os.Stdout, errOut)
	ended()
	exit(status)
}

// ending is how the program ends if somebody has asked it to, and it has not by then: a disk
// does not answer, or nobody reads what it prints.
type ending struct {
	within time.Duration
	// grace is for the removal of what is half made.
	grace  time.Duration
	text   string
	status int
}

// servingEnding is that of commands that record or mount until they are asked to end. systemd,
// and people, wait no longer than ten seconds. Nothing is lost by it but what no disk has: the
// next start salvages the rest.
var servingEnding = ending{
	9 * time.Second, 250 * time.Millisecond, "did not end within 9s of the signal: a disk or file system does not answer; the next start salvages what was being recorded", exitFailure,
}

// otherEnding is that of all other commands, for which somebody waits.
var otherEnding = ending{time.Second, time.Second, "interrupted", exitInterrupted}

// serves marks commands that record or mount until they are asked to end.
var serves = map[string]string{"serves": ""}

// errorOutput is where errors and the log go: in commands that record or mount, nothing waits
// for whoever reads it. flush waits a moment for what has not been written yet.
func errorOutput(e ending) (w io.Writer, flush func()) {
	if e != servingEnding {
		return os.Stderr, func() {}
	}
	log := newUnhurried(os.Stderr)
	return log, log.flush
}

// endingOf is that of the command that args call.
func endingOf(args []string) ending {
	cmd, _, err := newRootCommand().Find(args)
	if _, ok := cmd.Annotations["serves"]; ok && err == nil {
		return servingEnding
	}
	return otherEnding
}

// endInTime ends the program some time after ctx has ended, unless ended has been called by
// then, and removes what is half made.
func endInTime(ctx context.Context, e ending, errOut io.Writer, remove func(), exit func(int)) (ended func()) {
	inTime := make(chan struct{})
	context.AfterFunc(ctx, func() {
		if failpoint.Seeded("end-without-limit") {
			return // a test that is starved waits
		}
		select {
		case <-inTime:
			return
		case <-time.After(e.within):
		}
		backstop := time.AfterFunc(e.grace, func() { exit(e.status) }) // should the removal wait, too
		remove()
		_, _ = fmt.Fprintln(errOut, "moonfirefs:", e.text)
		backstop.Stop()
		exit(e.status)
	})
	return func() { close(inTime) }
}

// execute runs the program with everything that it has from its surroundings.
func execute(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	root := newRootCommand()
	root.SetArgs(timesNotFlags(root, args))
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	if err != nil && !nobodyReads(err, out) {
		text := errorText(ctx, err) + ownerHint(root.Flag("store").Value.String(), args, err)
		_, _ = fmt.Fprintln(errOut, "moonfirefs:", printable.Lines(withoutSecrets(args, text)))
	}
	return exitStatus(ctx, err)
}

const defaultLogLevel = "info"

// global are the flags of every command.
type global struct {
	store string
	// stores are all values of --store that were given.
	stores   []string
	logLevel string
}

func newRootCommand() *cobra.Command {
	g := &global{}
	root := &cobra.Command{
		Use:   "moonfirefs",
		Short: "Record IP cameras and serve the footage as a file system",
		Long: `moonfirefs records IP cameras around the clock and serves the footage as a
read-only file system: MOUNTPOINT/CAMERA/DATE/HOUR.mp4

To try it without a camera:   moonfirefs demo /tmp/moonfirefs-demo`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          onlyCommands,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			switch {
			case g.store == "": // it would be the present directory
				return &usageError{errors.New("--store has no value")}
			case isAddress(g.store):
				return &usageError{errors.New("--store is a directory of this machine, and not an address")}
			}
			useBuckets()
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return &usageError{suggestFlag(cmd, err)} })
	defaultStore := os.Getenv("MOONFIREFS_STORE")
	if defaultStore == "" {
		defaultStore = "/var/lib/moonfirefs"
	}
	g.store = defaultStore
	root.PersistentFlags().Var(storeFlag{g}, "store", "directory of the store; $MOONFIREFS_STORE sets the default")
	root.PersistentFlags().StringVar(&g.logLevel, "log-level", defaultLogLevel, "debug, info, warn or error")
	root.AddCommand(
		newInitCommand(g),
		newCameraCommand(g),
		newApplyCommand(g),
		newImportCommand(g),
		newDirCommand(g),
		newTierCommand(g),
		newRunCommand(g),
		newMountCommand(g),
		newStatusCommand(g),
		newCheckCommand(g),
		newRepairCommand(g),
		newListCommand(g),
		newKeepCommand(g),
		newEventCommand(g),
		newExportCommand(g),
		newDeleteCommand(g),
		newBackupCommand(g),
		newProofCommand(g),
		newVerifyCommand(),
		newDemoCommand(g),
		newTestCameraCommand(g),
		newVersionCommand(),
		newManCommand(),
	)
	addCompletions(root, g)
	fitHelp(root)
	return root
}

// logger writes lines for a person, or for the journal, to the error output.
func (g *global) logger(cmd *cobra.Command) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(g.logLevel)); err != nil {
		return nil, &usageError{fmt.Errorf("--log-level %s: must be one of debug, info, warn, error", g.logLevel)}
	}
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level})), nil
}
