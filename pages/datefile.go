// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"fmt"
	"html/template"
	"net/url"
	"strconv"
	"strings"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/library"
)

// dateFileView is a file on the page of its date.
type dateFileView struct {
	// ID is the name without ".mp4": what the script and anchors know it by.
	Name, ID, Link string
	// From and Length are where it is on the line, in seconds.
	From, Length int64
	// Pieces are pairs, with spaces between them: a place on the time line of the file, and
	// the place on the line of the day that it stands for, in seconds. There is one, and
	// another wherever the two lines do not go on alike.
	Pieces string
	// End is where the file's footage ends on the line, Frame how long a picture is shown.
	End, Frame string
	// Codec is that of the video (RFC 6381), Kind what people call it.
	Codec, Kind string
	Quarters    []quarterView
}

// quarterView leads into a file, and to the clip of its quarter of an hour.
type quarterView struct {
	Label, Link, Clip string
	At                int64
}

// pieceTolerance90k is how far both time lines may be apart without a new piece.
const pieceTolerance90k = moonfirefs.UnitsPerSecond / 20

// dateFile says what the page tells of a file, from the recordings that it is made of and
// where they begin on its time line.
func (r renderer) dateFile(day *coverage, v *library.Version, recordings []moonfirefs.Summary, positions []moonfirefs.Duration90k) dateFileView {
	first, last := &recordings[0], &recordings[len(recordings)-1]
	f := dateFileView{
		Name: v.Name, ID: strings.TrimSuffix(v.Name, ".mp4"), Link: url.PathEscape(v.Name), From: day.seconds(first.Start90k),
		Pieces: piecesText(day, recordings, positions), End: secondsText(last.End90k().Sub(day.bounds.Start90k)), Frame: frameText(recordings),
	}
	f.Length = max(day.seconds(last.End90k())-f.From, 1)
	for t := v.Interval.Start90k; t < v.Interval.End90k; t = t.Add(moonfirefs.QuarterHour90k) {
		end := min(t.Add(moonfirefs.QuarterHour90k), v.Interval.End90k)
		if end <= first.Start90k || t >= last.End90k() {
			continue
		}
		at := placeIn(recordings, positions, max(t, first.Start90k))
		f.Quarters = append(f.Quarters, quarterView{
			Label: r.Format(t, "15:04"), Link: fmt.Sprintf("%s#t=%d", f.Link, at), At: max(day.seconds(t), f.From),
			Clip: r.clipName(moonfirefs.Interval{Start90k: t, End90k: end}),
		})
	}
	return f
}

// placeIn is the second of a file at which footage of an instant is, or the next after it.
func placeIn(recordings []moonfirefs.Summary, positions []moonfirefs.Duration90k, t moonfirefs.Time90k) int64 {
	i := len(recordings) - 1
	for i > 0 && recordings[i].Start90k > t {
		i--
	}
	return int64((positions[i] + t.Sub(recordings[i].Start90k)) / moonfirefs.UnitsPerSecond)
}

func piecesText(day *coverage, recordings []moonfirefs.Summary, positions []moonfirefs.Duration90k) string {
	var text strings.Builder
	var ahead90k moonfirefs.Duration90k // how far the day is ahead of the file
	for i := range recordings {
		at90k := recordings[i].Start90k.Sub(day.bounds.Start90k)
		if moved := at90k - positions[i] - ahead90k; i == 0 || moved > pieceTolerance90k || moved < -pieceTolerance90k {
			ahead90k = at90k - positions[i]
			text.WriteString(" " + secondsText(positions[i]) + " " + secondsText(at90k))
		}
	}
	return strings.TrimPrefix(text.String(), " ")
}

// secondsText has milliseconds where there are some.
func secondsText(d moonfirefs.Duration90k) string {
	return strconv.FormatFloat(float64(d.Duration().Milliseconds())/1000, 'f', -1, 64)
}

// frameText is how long a picture is shown on average, in seconds.
func frameText(recordings []moonfirefs.Summary) string {
	var duration90k moonfirefs.Duration90k
	var samples int64
	for i := range recordings {
		duration90k += recordings[i].Duration90k
		samples += int64(recordings[i].VideoSamples)
	}
	return strconv.FormatFloat(max(0.001, float64(duration90k)/float64(samples)/moonfirefs.UnitsPerSecond), 'f', 4, 64)
}

// clipName names the clip of an interval, with offsets only where the clock does not tell
// which of two occurrences is meant.
func (r renderer) clipName(i moonfirefs.Interval) string {
	start, end := i.Start90k.Time().In(r.Zone), i.End90k.Time().In(r.Zone)
	_, startOffset := start.Zone()
	_, endOffset := end.Zone()
	n := library.ClipName{Start: civil.MomentOf(start), End: civil.MomentOf(end), Part: 1}
	for _, offsets := range [][2]string{
		{}, {"", civil.FormatOffset(endOffset)}, {civil.FormatOffset(startOffset), ""},
		{civil.FormatOffset(startOffset), civil.FormatOffset(endOffset)},
	} {
		n.Start.Offset, n.End.Offset = offsets[0], offsets[1]
		if found, ok := n.Interval(r.Calendar); ok && found == i {
			return n.String()
		}
	}
	return ""
}

// kindOfCodec is what people call a codec of video (RFC 6381).
func kindOfCodec(codec string) string {
	family, _, _ := strings.Cut(codec, ".")
	switch family {
	case "avc1", "avc3":
		return "H.264"
	case "hvc1", "hev1":
		return "H.265"
	case "av01":
		return "AV1"
	}
	return family
}

// clockLine tells the script what the clock said: from which second of the day on, which
// seconds of the clock, and the offset from UTC. There is one, and another at each change
// of clocks.
func (r renderer) clockLine(d civil.Date, day *coverage) string {
	var line strings.Builder
	var ahead int64
	for i, h := range r.Hours(d) {
		at, wall := day.seconds(h.Start90k), civil.MomentOf(h.Start90k.Time().In(r.Zone)).Seconds
		if i == 0 || int64(wall)-at != ahead {
			ahead = int64(wall) - at
			fmt.Fprintf(&line, " %d %d %s", at, wall, civil.FormatOffset(int(h.OffsetSeconds)))
		}
	}
	return strings.TrimPrefix(line.String(), " ")
}

// fileRows are made here for the same reason as those of the folder's page; see html.go.
func (f *dateFileView) row() template.HTML {
	var row strings.Builder
	escape := template.HTMLEscapeString
	fmt.Fprintf(&row, `<li id="%s"><strong><a href="%s" data-pieces="%s" data-end="%s" data-frame="%s" data-codec="%s" data-kind="%s">%s</a></strong>`,
		escape(f.ID), f.Link, f.Pieces, f.End, f.Frame, escape(f.Codec), escape(f.Kind), escape(f.Name))
	for _, q := range f.Quarters {
		fmt.Fprintf(&row, ` <a href="%s" data-at="%d">%s</a>`, q.Link, q.At, q.Label)
	}
	row.WriteString(` <span class="clips">clips`)
	for _, q := range f.Quarters {
		if q.Clip != "" {
			fmt.Fprintf(&row, ` <a href="../%s/%s" aria-label="clip from %s on, a quarter of an hour">%s</a>`, library.ClipsFolder, q.Clip, q.Label, q.Label[2:])
		}
	}
	row.WriteString("</span></li>\n")
	return template.HTML(row.String())
}
