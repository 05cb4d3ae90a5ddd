// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/programbuild"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) == 4 && os.Args[1] == loopbackCommand {
		exit(loopback(ctx, os.Args[2], os.Args[3]))
	}
	rows := flag.String("rows", "", "numbers of rows, such as 6,7; the default is all")
	rounds := flag.Int("rounds", 5, "how often each thing is measured")
	days := flag.Int("days", full.days, "how many days the store of rows 6 to 9, 12 and 13 has")
	short := flag.Bool("short", false, "so little footage that figures mean nothing")
	dir := flag.String("dir", os.TempDir(), "where to put footage, up to 8 GB of it")
	big := flag.String("big", "", "where to keep the store of rows 6 to 13, or where it was kept; the default is to remove it")
	mediamtx := flag.String("mediamtx", "", "path of a program mediamtx, to compare row 10 with as well")
	window := flag.Duration("window", full.recordingRound, "how long recorders are compared in each round of row 10")
	compared := flag.Int("cameras", 0, "how many cameras row 10 has; the default is 1, 4 and 16 in turn")
	flushed := flag.String("filesystem", "ext4", "what row 14 records to: ext4 or xfs, perhaps with options to mount it with, such as ext4:commit=60")
	watched := flag.Duration("watched", full.flushingFor, "how long the disk of row 14 is watched")
	flag.Parse()
	b := &bench{rounds: *rounds, amounts: full, out: os.Stdout, keptBig: *big, mediamtx: *mediamtx}
	b.recordingRound, b.flushingFor, b.flushed = *window, *watched, *flushed
	if *compared > 0 {
		b.comparedCameras = []int{*compared}
	}
	if b.days = *days; *short {
		b.amounts = little
	}
	exit(b.run(ctx, *dir, *rows))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// row is a line of the table, or several that are measured together.
type row struct {
	numbers []int
	measure func(context.Context, *bench) error
}

var rows = []row{
	{[]int{1, 2}, sequentialReads},
	{[]int{3}, opening},
	{[]int{4}, buildingMoov},
	{[]int{5}, randomReads},
	{[]int{6, 7, 8, 9, 12}, bigStore},
	{[]int{13}, firstLooks},
	{[]int{10}, recordingBeside},
	{[]int{11}, recordingTraced},
	{[]int{14}, flushesAndBytes},
	{[]int{15}, previewsBeside},
	{[]int{16}, coldReads},
	{[]int{17}, manyGaps},
}

// amounts say how much footage is measured.
type amounts struct {
	cameras, days int
	// hourBytes is the size of the large hour, dayBytes of the day whose hours
	// are read at random.
	hourBytes, dayBytes int64
	dayHours            int
	// coldBytes is the size of the hour that is read from a cold disk.
	coldBytes int64
	// Of how many cameras recorders are compared, for how long in each round, and how many
	// are recorded for how long under strace.
	comparedCameras                []int
	recordingRound, recordingTrace time.Duration
	tracedCameras                  int
	// Of how many cameras there are previews.
	previewedCameras int
	// How many cameras record to the disk of row 14, how long they have to settle, and how
	// long it is watched then.
	flushingCameras              int
	flushingSettles, flushingFor time.Duration
	// How many days the store with gaps has.
	gapDays int
	// How many minutes of them are committed to see what that writes.
	committedMinutes int
}

var (
	full = amounts{
		cameras: 8, days: 365, hourBytes: 2 << 30, dayBytes: 1536 << 20, dayHours: 24, coldBytes: 512 << 20,
		comparedCameras: []int{1, 4, 16}, recordingRound: time.Minute, recordingTrace: 5 * time.Minute, tracedCameras: 4, previewedCameras: 16,
		flushingCameras: 16, flushingSettles: 90 * time.Second, flushingFor: 5 * time.Minute, committedMinutes: 240, gapDays: 1825,
	}
	little = amounts{
		cameras: 2, days: 2, hourBytes: 64 << 20, dayBytes: 16 << 20, dayHours: 2, coldBytes: 16 << 20,
		comparedCameras: []int{1}, recordingRound: time.Second, recordingTrace: time.Second, tracedCameras: 1, previewedCameras: 1,
		flushingCameras: 2, flushingSettles: time.Second, flushingFor: time.Second, committedMinutes: 4, gapDays: 2,
	}
)

// bench is what the rows share.
type bench struct {
	amounts
	rounds int
	out    io.Writer
	// dir is for everything, and removed in the end. program is moonfirefs.
	dir, program string
	// encoded is what the hours are made of that are read.
	encoded *teststore.Media
	// keptBig is where the big store is kept, if not empty.
	keptBig string
	// flushed is the file system of row 14.
	flushed string
	// mediamtx is that program, if not empty.
	mediamtx string
	// sink keeps the compiler from leaving out what is only measured.
	sink uint64
}

// run measures the rows whose numbers are listed, or all.
func (b *bench) run(ctx context.Context, parent, list string) (err error) {
	wanted, err := parseRows(list)
	if err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp(parent, "moonfirefs-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	b.program = filepath.Join(b.dir, "moonfirefs")
	if err := programbuild.Build(ctx, b.program); err != nil {
		return err
	}
	b.printf("| # | what | moonfirefs | against | ratio | spread |\n|---|---|---|---|---|---|\n")
	for _, r := range rows {
		if !slices.ContainsFunc(r.numbers, func(n int) bool { return wanted[n] }) {
			continue
		}
		if err := r.measure(ctx, b); err != nil {
			return fmt.Errorf("rows %v: %w", r.numbers, err)
		}
	}
	return nil
}

func parseRows(list string) (map[int]bool, error) {
	wanted := make(map[int]bool)
	for _, r := range rows {
		for _, n := range r.numbers {
			wanted[n] = list == ""
		}
	}
	if list == "" {
		return wanted, nil
	}
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if _, ok := wanted[n]; err != nil || !ok {
			return nil, fmt.Errorf("there is no row %q", text)
		}
		wanted[n] = true
	}
	return wanted, nil
}

func (b *bench) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(b.out, format, args...) // nobody to tell
}

// path is a place in the directory of the benchmark.
func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }
