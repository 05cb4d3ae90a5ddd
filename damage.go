// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import "fmt"

// Damage is an error about stored data that no program of ours can have written. It wraps
// ErrCorrupt.
type Damage struct {
	// Recording is the row that it is about; 0 if it is about no single one.
	Recording RecordingID
	// Start90k is where in time it lies: the start of the recording, or of the hour.
	Start90k Time90k
	// Problem is a sentence about "its" start, for instance.
	Problem string
}

func (d *Damage) Error() string {
	if d.Recording == 0 {
		return fmt.Sprintf("hour of %v: %s: %v", d.Start90k, d.Problem, ErrCorrupt)
	}
	return fmt.Sprintf("recording %d: %s: %v", d.Recording, d.Problem, ErrCorrupt)
}

// Unwrap returns ErrCorrupt.
func (d *Damage) Unwrap() error { return ErrCorrupt }
