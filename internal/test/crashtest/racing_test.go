// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
)

// racers are commands that people type beside a recorder; n is a number that no other
// command has. They are changes of the configuration, of what is kept and of what there
// is, and readers.
var racers = map[string]func(n int, scratch string, sources []*testcamera.Camera) []string{
	"keep": func(n int, _ string, _ []*testcamera.Camera) []string {
		return []string{"keep", someCamera(), "-4s", "now", "--name", fmt.Sprintf("clip%d", n)}
	},
	"keep what is being released": func(int, string, []*testcamera.Camera) []string {
		return []string{"keep", "cam0", "-3s", "now", "--name", "again"}
	},
	"release": func(int, string, []*testcamera.Camera) []string { return []string{"keep", "--release", "again"} },
	"release one": func(n int, _ string, _ []*testcamera.Camera) []string {
		return []string{"keep", "--release", fmt.Sprintf("clip%d", max(n-rand.N(20), 0))}
	},
	"delete": func(int, string, []*testcamera.Camera) []string {
		return []string{"delete", someCamera(), "-6s", "-4s", "--yes"}
	},
	"edit a quota": func(int, string, []*testcamera.Camera) []string {
		return []string{"camera", "edit", someCamera(), "--retain", fmt.Sprintf("%dkB", 60+rand.N(400)), "--yes"}
	},
	"edit a limit": func(int, string, []*testcamera.Camera) []string {
		return []string{"camera", "edit", someCamera(), "--retain-for", []string{"0", "1h"}[rand.N(2)], "--yes"}
	},
	"edit a description": func(n int, _ string, _ []*testcamera.Camera) []string {
		return []string{"camera", "edit", someCamera(), "--description", fmt.Sprintf("number %d", n)}
	},
	"edit audio": func(int, string, []*testcamera.Camera) []string {
		return []string{"camera", "edit", "cam0", fmt.Sprintf("--audio=%v", rand.N(2) == 0), "--no-test"}
	},
	"edit whether it is recorded": func(int, string, []*testcamera.Camera) []string {
		return []string{"camera", "edit", "cam3", fmt.Sprintf("--record=%v", rand.N(2) == 0)}
	},
	"add a camera": func(n int, _ string, sources []*testcamera.Camera) []string {
		return []string{"camera", "add", fmt.Sprintf("new%d", n), sources[1].URL(), "--retain", "100kB", "--no-test"}
	},
	"remove a camera": func(n int, _ string, _ []*testcamera.Camera) []string {
		return []string{"camera", "remove", fmt.Sprintf("new%d", max(n-rand.N(20), 0)), "--delete-footage", "--yes"}
	},
	"add a directory": func(n int, scratch string, _ []*testcamera.Camera) []string {
		return []string{"dir", "add", filepath.Join(scratch, fmt.Sprintf("dir%d", n%5))}
	},
	"back up": func(n int, scratch string, _ []*testcamera.Camera) []string {
		return []string{"backup", filepath.Join(scratch, fmt.Sprintf("backup%d", n%3))}
	},
	"check":  func(int, string, []*testcamera.Camera) []string { return []string{"check", "--hash"} },
	"status": func(int, string, []*testcamera.Camera) []string { return []string{"status"} },
	"list":   func(int, string, []*testcamera.Camera) []string { return []string{"list", someCamera()} },
	"list kept": func(int, string, []*testcamera.Camera) []string {
		return []string{"keep", "--list"}
	},
	"export": func(n int, scratch string, _ []*testcamera.Camera) []string {
		return []string{"export", someCamera(), "-5s", "now", "-o", filepath.Join(scratch, fmt.Sprintf("clip%d.mp4", n))}
	},
}

func someCamera() string { return fmt.Sprintf("cam%d", rand.N(cameraCount)) }

// TestRacingCommands ensures that no command that is typed beside a recorder, or beside
// another command, does harm: none hangs or dies, a check that runs beside them finds
// nothing, the recorder records on, and the store is in order at the end.
func TestRacingCommands(t *testing.T) {
	t.Parallel()
	sources, err := cameras()
	if err != nil {
		t.Fatal(err)
	}
	s := newSiteWith(t, filepath.Join(t.TempDir(), "store"), "", sources, retainBytes)
	p := s.start("")
	if !p.waitUntil(func() bool { return p.records(cameraCount) }) {
		t.Fatalf("it does not record:\n%s", p.log())
	}
	r := &race{site: s, sources: sources, scratch: t.TempDir(), until: time.Now().Add(time.Duration(tries(10, 300)) * time.Second)}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(r.run)
	}
	wg.Wait()
	if output, err := r.command("camera", "edit", "cam3", "--record=true"); err != nil {
		t.Errorf("%v: %s", err, output)
	}
	before, err := p.promises()
	if err != nil {
		t.Fatal(err)
	}
	if !p.waitUntil(func() bool { return recordsAfter(p, before) }) {
		t.Errorf("recording does not go on:\n%s", tail(p.log(), 60))
	}
	err = p.stop()
	s.ended()
	if err != nil {
		t.Errorf("%v:\n%s", err, tail(p.log(), 60))
	}
	clear(s.promised) // some was deleted on purpose
	for _, problem := range s.inspect(afterOrderlyStop) {
		t.Error(problem)
	}
	o := outcome{fault: fmt.Sprintf("commands typed beside the recorder for %v", time.Duration(tries(10, 300))*time.Second), tries: r.ran, clean: r.ran - r.harmful}
	o.note = fmt.Sprintf("%d of them refused with words", r.refused)
	results.add(o)
}

// race is commands that several people type at the same time.
type race struct {
	*site
	sources []*testcamera.Camera
	scratch string
	until   time.Time

	mu sync.Mutex // guards what follows
	// ran are commands, refused those among them that had a reason not to, and harmful
	// those that should not have happened.
	ran, refused, harmful int
}

// leastCommands are typed however long it takes.
const leastCommands = 15

func (r *race) run() {
	names := slices.Sorted(maps.Keys(racers))
	for {
		n, ok := r.next()
		if !ok {
			return
		}
		name := names[rand.N(len(names))]
		args := racers[name](n, r.scratch, r.sources)
		output, err := r.command(args...)
		r.judge(args, output, err)
	}
}

// next counts the command to come; ok is false if none is.
func (r *race) next() (n int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ran >= leastCommands && time.Now().After(r.until) {
		return 0, false
	}
	r.ran++
	return r.ran - 1, true
}

// raceStatus is the exit status of a program in which the race detector has found one.
const raceStatus = 66

// typedWithin is longer than any command takes on a busy machine.
const typedWithin = 3 * time.Minute

func (r *race) command(args ...string) (output string, err error) {
	path, err := programPath()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), typedWithin)
	defer cancel()
	text, err := exec.CommandContext(ctx, path, append(args, "--store", r.path)...).CombinedOutput()
	return string(text), errors.Join(err, ctx.Err())
}

// judge tells a command that was refused with words, since what it is about has gone or is
// there already, from one that hung or died, or found damage.
func (r *race) judge(args []string, output string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	exit := (*exec.ExitError)(nil)
	switch {
	case err == nil:
		return
	case errors.As(err, &exit) && exit.Exited() && args[0] != "check" && exit.ExitCode() != raceStatus && !strings.Contains(output, "goroutine "):
		r.refused++
		return
	}
	r.harmful++
	r.t.Errorf("moonfirefs %q: %v:\n%s", args, err, tail(output, 40))
}
