// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/journal"
)

// This file is what is made of a journal, without I/O: the recording of the samples that
// are in the sample file. See salvager.

// salvagedRow is what the index will say of a recording that a crash has interrupted,
// of which a table of samples is left. The digest is that of the bytes of those.
func salvagedRow(dir moonfirefs.SampleDirID, j *journal.Journal, table *moonfirefs.SampleTable, digest *moonfirefs.SampleFileDigest) *moonfirefs.Recording {
	row := &moonfirefs.Recording{
		Summary: moonfirefs.Summary{
			Start90k:  j.Start90k,
			RunOffset: j.RunOffset,
			Flags:     moonfirefs.FlagSalvaged,
		},
		Stream:            j.Stream,
		SampleDir:         dir,
		Open:              j.Open,
		LocalTimeDelta90k: j.LocalTimeDelta90k,
		SampleFile:        j.SampleFile,
	}
	table.Fill(row)
	digest.Fill(row)
	return row
}
