// SPDX-License-Identifier: GPL-3.0-or-later

//go:build failpoints

package failpoint

import (
	"errors"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// use makes a fault list the one that counts during a test.
func use(t *testing.T, list string) {
	t.Helper()
	parsed, err := parse(list)
	if err != nil {
		t.Fatal(err)
	}
	before := points
	points = parsed
	t.Cleanup(func() { points = before })
}

// TestStep ensures what becomes of a step under each kind of fault, killing aside.
func TestStep(t *testing.T) {
	ownErr := errors.New("the step's own")
	for _, c := range []struct {
		list string
		own  error
		// ran says how often the step is to happen in three calls, errs what they
		// are to return.
		ran  int
		errs []error
	}{
		{list: "", ran: 3, errs: []error{nil, nil, nil}},
		{list: "", own: ownErr, ran: 3, errs: []error{ownErr, ownErr, ownErr}},
		{list: "other=error:EIO", ran: 3, errs: []error{nil, nil, nil}},
		{list: "a.1.before=error:EIO", ran: 0, errs: []error{unix.EIO, unix.EIO, unix.EIO}},
		{list: "a.1.after=error:ENOSPC@2", ran: 3, errs: []error{nil, unix.ENOSPC, nil}},
		{list: "a.1.after=error:EIO", own: ownErr, ran: 3, errs: []error{ownErr, ownErr, ownErr}},
		{list: "a.1=skip", own: ownErr, ran: 0, errs: []error{nil, nil, nil}},
		{list: "a.1.before=error:EIO@1  a.1.after=error:EROFS@1", ran: 2, errs: []error{unix.EIO, unix.EROFS, nil}},
	} {
		use(t, c.list)
		ran := 0
		for i, want := range c.errs {
			err := Step("a.1", func() error {
				ran++
				return c.own
			})
			if !errors.Is(err, want) {
				t.Errorf("%q, call %d: %v, want %v", c.list, i, err, want)
			}
		}
		if ran != c.ran {
			t.Errorf("%q: the step happened %d times, want %d", c.list, ran, c.ran)
		}
	}
}

// TestDo ensures that a step that cannot fail happens, late or not at all.
func TestDo(t *testing.T) {
	var calls []string
	use(t, "a.1.before=delay:20ms b.1=skip")
	sleep = func(d time.Duration) { calls = append(calls, "sleep "+d.String()) }
	t.Cleanup(func() { sleep = time.Sleep })
	for _, name := range []string{"a.1", "b.1", "c.1"} {
		Do(name, func() { calls = append(calls, name) })
	}
	if want := []string{"sleep 20ms", "a.1", "c.1"}; !slices.Equal(calls, want) {
		t.Errorf("what happened: %q, want %q", calls, want)
	}
	if !Seeded("b.1") || Seeded("c.1") {
		t.Error("the wrong fault is seeded")
	}
}

// TestParseRefuses ensures that a misspelt list is refused: tests with it would
// prove nothing.
func TestParseRefuses(t *testing.T) {
	for _, list := range []string{"a", "=kill", "a=", "a=explode", "a=error", "a=error:EFOO", "a=delay:soon", "a=kill@0", "a=kill@x", "ok=kill a"} {
		if _, err := parse(list); err == nil {
			t.Errorf("%q is accepted", list)
		}
	}
}
