// SPDX-License-Identifier: GPL-3.0-or-later

package journal

import (
	"encoding/binary"

	"github.com/moonfirefs/moonfirefs"
)

// MaxGroupSamples is how many samples a Group may have. They take far less than
// maxContentBytes.
const MaxGroupSamples = 1 << 10

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

// Add adds a sample, the sum of whose bytes is sum. If its duration is not known yet, it
// is zero, and nothing follows it in the group: the next one begins with it again.
func (g *Group) Add(s moonfirefs.Sample, sum uint32) {
	g.index.Add(s)
	g.sums = binary.BigEndian.AppendUint32(g.sums, sum)
}

// Samples returns the number of samples in the group.
func (g *Group) Samples() int { return int(g.index.Samples()) }

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
