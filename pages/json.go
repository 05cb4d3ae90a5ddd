// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/library"
)

// The types below are what index.json says, as docs/index-pages.md explains. They
// have no field for a URL or a password, nor does anything that they are made of.

type jsonRoot struct {
	TimeZoneName string       `json:"timeZoneName"`
	Cameras      []jsonCamera `json:"cameras"`
	// Kept is what somebody keeps, by file name.
	Kept []jsonKept `json:"saved"`
}

type jsonKept struct {
	// File is relative to the root, Folder is that of the stream.
	File         string             `json:"file"`
	Folder       string             `json:"folder"`
	StartTime90k moonfirefs.Time90k `json:"startTime90k"`
	EndTime90k   moonfirefs.Time90k `json:"endTime90k"`
	Bytes        int64              `json:"bytes"`
}

type jsonCamera struct {
	jsonDevice
	// Store is the name of the camera's store where the page tells of several.
	Store string `json:"store,omitempty"`
	// Streams are by kind: main and sub.
	Streams map[moonfirefs.StreamKind]jsonStream `json:"streams"`
}

type jsonDevice struct {
	UUID        string `json:"uuid"`
	ShortName   string `json:"shortName"`
	Description string `json:"description"`
}

type jsonStream struct {
	Folder      string `json:"folder"`
	RetainBytes int64  `json:"retainBytes"`
	// KeptBytes is the part of TotalSampleFileBytes that retention spares.
	KeptBytes int64 `json:"keptBytes"`
	// The times are missing if nothing is recorded.
	MinStartTime90k      *moonfirefs.Time90k    `json:"minStartTime90k,omitempty"`
	MaxEndTime90k        *moonfirefs.Time90k    `json:"maxEndTime90k,omitempty"`
	TotalDuration90k     moonfirefs.Duration90k `json:"totalDuration90k"`
	TotalSampleFileBytes int64                  `json:"totalSampleFileBytes"`
	Days                 map[string]jsonDay     `json:"days"`
}

// jsonMark is an event.
type jsonMark struct {
	StartTime90k moonfirefs.Time90k `json:"startTime90k"`
	EndTime90k   moonfirefs.Time90k `json:"endTime90k"`
	Label        string             `json:"label"`
}

type jsonDay struct {
	StartTime90k     moonfirefs.Time90k     `json:"startTime90k"`
	EndTime90k       moonfirefs.Time90k     `json:"endTime90k"`
	TotalDuration90k moonfirefs.Duration90k `json:"totalDuration90k"`
	// Events counts those that overlap the day.
	Events int `json:"events,omitempty"`
}

type jsonFolder struct {
	TimeZoneName string `json:"timeZoneName"`
	jsonDevice
	Stream moonfirefs.StreamKind `json:"stream"`
	jsonStream
	Recordings []jsonStretch `json:"recordings"`
	Events     []jsonMark    `json:"events,omitempty"`
}

type jsonStretch struct {
	StartTime90k         moonfirefs.Time90k `json:"startTime90k"`
	EndTime90k           moonfirefs.Time90k `json:"endTime90k"`
	Bytes                int64              `json:"bytes"`
	VideoSamples         int64              `json:"videoSamples"`
	VideoSampleEntrySHA1 string             `json:"videoSampleEntrySha1"`
	Width                uint16             `json:"width"`
	Height               uint16             `json:"height"`
	// Audio is missing if there is none.
	Audio *jsonAudio `json:"audio,omitempty"`
}

type jsonAudio struct {
	Codec      string `json:"codec"`
	SampleRate uint32 `json:"sampleRate"`
	Channels   uint16 `json:"channels"`
}

// rootJSON is index.json of the root.
func (r renderer) rootJSON(summaries []*streamSummary) ([]byte, error) {
	return encodeJSON(r.jsonRoot(summaries))
}

func (r renderer) jsonRoot(summaries []*streamSummary) jsonRoot {
	page := jsonRoot{TimeZoneName: r.Zone.String(), Cameras: []jsonCamera{}, Kept: []jsonKept{}}
	for _, s := range summaries {
		device := deviceOf(s)
		if n := len(page.Cameras); n == 0 || page.Cameras[n-1].jsonDevice != device {
			page.Cameras = append(page.Cameras, jsonCamera{jsonDevice: device, Streams: make(map[moonfirefs.StreamKind]jsonStream)})
		}
		page.Cameras[len(page.Cameras)-1].Streams[s.state.Kind] = r.jsonStream(s)
		for i := range s.kept {
			v := &s.kept[i]
			page.Kept = append(page.Kept, jsonKept{
				library.KeptFolder + "/" + r.keptFile(v), r.folder(s), v.Interval.Start90k, v.Modified90k, v.SizeBytes,
			})
		}
	}
	slices.SortFunc(page.Kept, func(x, y jsonKept) int { return cmp.Compare(x.File, y.File) })
	return page
}

// streamJSON is index.json of a stream's folder.
func (r renderer) streamJSON(s *streamSummary) ([]byte, error) {
	page := jsonFolder{TimeZoneName: r.Zone.String(), jsonDevice: deviceOf(s), Stream: s.state.Kind, jsonStream: r.jsonStream(s)}
	for _, m := range r.marks[s.state.ID] {
		page.Events = append(page.Events, jsonMark{m.Start90k, m.End90k, m.Label})
	}
	stretches := s.stretches()
	return encodeFolder(page, len(stretches), func(i int) jsonStretch { return s.jsonStretch(&stretches[i]) })
}

func (s *streamSummary) jsonStretch(t *stretch) jsonStretch {
	entry := s.entries[t.entry]
	return jsonStretch{
		StartTime90k: t.Start90k, EndTime90k: t.End90k, Bytes: t.sampleFileBytes, VideoSamples: t.videoSamples,
		VideoSampleEntrySHA1: hex.EncodeToString(entry.SHA1[:]), Width: entry.Width, Height: entry.Height,
		Audio: audioOf(s.audioEntries[t.audio]),
	}
}

// noRecordings is what encodeJSON makes of a page without recordings. Nothing that somebody has
// chosen looks like that, since quotation marks in texts have a backslash.
const noRecordings = `"recordings": []`

// encodeFolder is encodeJSON of a page with n recordings. They can be ten megabytes, of which
// encoding/json would have several copies at a time.
func encodeFolder(page jsonFolder, n int, recording func(i int) jsonStretch) ([]byte, error) {
	page.Recordings = []jsonStretch{}
	around, err := encodeJSON(page)
	if err != nil || n == 0 {
		return around, err
	}
	before, after, _ := bytes.Cut(around, []byte(noRecordings))
	content := append(bytes.Clone(before), `"recordings": [`...)
	for i := range n {
		one, err := json.MarshalIndent(recording(i), "  ", " ")
		if err != nil {
			return nil, err
		}
		if i == 0 {
			content = slices.Grow(content, n*(len(one)+recordingSlackBytes)+len(after))
		} else {
			content = append(content, ',')
		}
		content = append(append(content, "\n  "...), printable.JSON(one)...)
	}
	return append(append(content, "\n ]"...), after...), nil
}

// recordingSlackBytes is room for what stands between recordings, and for some digits more than
// the first one has.
const recordingSlackBytes = 12

func audioOf(e *moonfirefs.AudioSampleEntry) *jsonAudio {
	if e == nil {
		return nil
	}
	return &jsonAudio{e.RFC6381Codec, e.SampleRate, e.Channels}
}

func deviceOf(s *streamSummary) jsonDevice {
	return jsonDevice{s.state.Camera.String(), s.state.ShortName, s.state.Description}
}

func (r renderer) jsonStream(s *streamSummary) jsonStream {
	stream := jsonStream{
		Folder: r.folder(s), RetainBytes: s.state.RetainBytes, KeptBytes: s.keptBytes,
		TotalDuration90k: s.duration90k, TotalSampleFileBytes: s.sampleFileBytes,
		Days: make(map[string]jsonDay, len(s.days)),
	}
	if bounds, ok := s.whole(); ok {
		stream.MinStartTime90k, stream.MaxEndTime90k = &bounds.Start90k, &bounds.End90k
	}
	marks := dated(r.Calendar, r.marks[s.state.ID])
	for d, day := range s.days {
		stream.Days[d.String()] = jsonDay{day.bounds.Start90k, day.bounds.End90k, day.duration90k, len(marks[d])}
	}
	return stream
}

// encodeJSON gives equal values equal bytes: the keys of maps are in order.
func encodeJSON(page any) ([]byte, error) {
	content, err := json.MarshalIndent(page, "", " ")
	return append(printable.JSON(content), '\n'), err
}
