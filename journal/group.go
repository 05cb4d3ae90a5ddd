// SPDX-License-Identifier: GPL-3.0-or-later

package journal

import (
	"encoding/binary"

	"github.com/moonfirefs/moonfirefs"
)

// fullBytes is how long a group may get: far below maxContentBytes.
const fullBytes = 4 << 10

// reorderedBit, in the number of samples of a record, says that its video index
// has composition offsets.
const reorderedBit = 1 << 31

// Dating is what is known of a recording's time so far.
type Dating struct {
	// Start90k is the start of the recording. The first of a run may turn out to
	// have started earlier, as long as it is being written.
	Start90k          moonfirefs.Time90k
	LocalTimeDelta90k moonfirefs.Duration90k
}

// Group gathers consecutive samples for a record. The zero value is ready for
// use; what it has allocated, it uses again.
type Group struct {
	index moonfirefs.VideoIndexEncoder
	sums  []byte
}

// Add adds a sample, the sum of whose bytes is sum. Its duration is only zero if
// it is the last one of the recording.
func (g *Group) Add(s moonfirefs.Sample, sum uint32) {
	g.index.Add(s)
	g.sums = binary.BigEndian.AppendUint32(g.sums, sum)
}

// Samples returns the number of samples in the group.
func (g *Group) Samples() int { return int(g.index.Samples()) }

// Full says that the group should be written now, however long the group of
// pictures is.
func (g *Group) Full() bool { return len(g.sums)+len(g.index.Blob()) >= fullBytes }

// AppendRecord appends the group as a record, and empties it.
func (g *Group) AppendRecord(b []byte, at Dating) []byte {
	b, begin := appendFrame(b)
	b = binary.BigEndian.AppendUint64(b, uint64(at.Start90k))
	b = binary.BigEndian.AppendUint64(b, uint64(at.LocalTimeDelta90k))
	n := uint32(g.Samples())
	if g.index.Reordered() {
		n |= reorderedBit
	}
	b = binary.BigEndian.AppendUint32(b, n)
	b = append(b, g.sums...)
	b = append(b, g.index.Blob()...)
	fillFrame(b, begin)
	g.index.Reset()
	g.sums = g.sums[:0]
	return b
}
