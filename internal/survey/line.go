// SPDX-License-Identifier: GPL-3.0-or-later

package survey

import "math"

// line is the line of least squares through points that are added to it. It keeps
// means and not sums, which would lose digits (Welford).
type line struct {
	n                   float64
	meanX, meanY        float64
	sumXX, sumXY, sumYY float64 // of the deviations from the means
}

func (l *line) add(x, y float64) {
	l.n++
	dx, dy := x-l.meanX, y-l.meanY
	l.meanX += dx / l.n
	l.meanY += dy / l.n
	l.sumXX += dx * (x - l.meanX)
	l.sumXY += dx * (y - l.meanY)
	l.sumYY += dy * (y - l.meanY)
}

// deviationPPM tells by how many millionths x advances more than y does, and two
// standard errors of it; zeros where there are too few points.
func (l *line) deviationPPM() (ppm, uncertaintyPPM float64) {
	if l.n < minDriftFrames || l.sumXX == 0 {
		return 0, 0
	}
	slope := l.sumXY / l.sumXX
	residue := max(0, l.sumYY-slope*l.sumXY)
	standardError := math.Sqrt(residue / (l.n - 2) / l.sumXX)
	return (1 - slope) * 1e6, 2 * standardError * 1e6
}
