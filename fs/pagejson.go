package fs

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/moonfirefs/moonfirefs"
)

// The types below are what index.json says, as docs/index-pages.md explains. They
// have no field for a URL or a password, nor does anything that they are made of.

type jsonRoot struct {
	TimeZoneName string       `json:"timeZoneName"`
	Cameras      []jsonCamera `json:"cameras"`
	// Saved is what somebody keeps, by file name.
	Saved []jsonSaved `json:"saved"`
}

type jsonSaved struct {
	// File is relative to the root, Folder is that of the stream.
	File         string             `json:"file"`
	Folder       string             `json:"folder"`
	StartTime90k moonfirefs.Time90k `json:"startTime90k"`
	EndTime90k   moonfirefs.Time90k `json:"endTime90k"`
	Bytes        int64              `json:"bytes"`
}

type jsonCamera struct {
	jsonDevice
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
	// KeptBytes is the part of TotalSampleFileBytes that rotation spares.
	KeptBytes int64 `json:"keptBytes"`
	// The times are missing if nothing is recorded.
	MinStartTime90k      *moonfirefs.Time90k    `json:"minStartTime90k,omitempty"`
	MaxEndTime90k        *moonfirefs.Time90k    `json:"maxEndTime90k,omitempty"`
	TotalDuration90k     moonfirefs.Duration90k `json:"totalDuration90k"`
	TotalSampleFileBytes int64                  `json:"totalSampleFileBytes"`
	Days                 map[string]jsonDay     `json:"days"`
}

type jsonDay struct {
	StartTime90k     moonfirefs.Time90k     `json:"startTime90k"`
	EndTime90k       moonfirefs.Time90k     `json:"endTime90k"`
	TotalDuration90k moonfirefs.Duration90k `json:"totalDuration90k"`
}

type jsonFolder struct {
	TimeZoneName string `json:"timeZoneName"`
	jsonDevice
	Stream moonfirefs.StreamKind `json:"stream"`
	jsonStream
	Recordings []jsonRun `json:"recordings"`
}

type jsonRun struct {
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
func rootJSON(c renderer, accounts []*account) ([]byte, error) {
	page := jsonRoot{TimeZoneName: c.Zone.String(), Cameras: []jsonCamera{}, Saved: []jsonSaved{}}
	for _, a := range accounts {
		device := deviceOf(a)
		if n := len(page.Cameras); n == 0 || page.Cameras[n-1].jsonDevice != device {
			page.Cameras = append(page.Cameras, jsonCamera{device, make(map[moonfirefs.StreamKind]jsonStream)})
		}
		page.Cameras[len(page.Cameras)-1].Streams[a.state.kind] = streamOf(a)
		for _, f := range a.saved {
			page.Saved = append(page.Saved, jsonSaved{
				savedName + "/" + f.name, a.state.folder, f.clip.interval.Start90k, f.clip.modified90k, f.clip.sizeBytes,
			})
		}
	}
	slices.SortFunc(page.Saved, func(a, b jsonSaved) int { return cmp.Compare(a.File, b.File) })
	return encodeJSON(page)
}

// streamJSON is index.json of a stream's folder.
func streamJSON(c renderer, a *account) ([]byte, error) {
	page := jsonFolder{
		TimeZoneName: c.Zone.String(), jsonDevice: deviceOf(a), Stream: a.state.kind, jsonStream: streamOf(a),
		Recordings: make([]jsonRun, 0, len(a.runs)),
	}
	for _, r := range a.runs {
		entry := a.entries[r.entry]
		page.Recordings = append(page.Recordings, jsonRun{
			StartTime90k: r.Start90k, EndTime90k: r.End90k, Bytes: r.bytes, VideoSamples: r.videoSamples,
			VideoSampleEntrySHA1: hex.EncodeToString(entry.SHA1[:]), Width: entry.Width, Height: entry.Height,
			Audio: audioOf(a.audioEntries[r.audio]),
		})
	}
	return encodeJSON(page)
}

func audioOf(e *moonfirefs.AudioSampleEntry) *jsonAudio {
	if e == nil {
		return nil
	}
	return &jsonAudio{e.RFC6381Codec, e.SampleRate, e.Channels}
}

func deviceOf(a *account) jsonDevice {
	return jsonDevice{a.state.camera.String(), a.state.shortName, a.state.description}
}

func streamOf(a *account) jsonStream {
	s := jsonStream{
		Folder: a.state.folder, RetainBytes: a.state.retainBytes, KeptBytes: a.keptBytes,
		TotalDuration90k: a.duration90k, TotalSampleFileBytes: a.bytes,
		Days: make(map[string]jsonDay, len(a.days)),
	}
	if bounds, ok := a.bounds(); ok {
		s.MinStartTime90k, s.MaxEndTime90k = &bounds.Start90k, &bounds.End90k
	}
	for d, day := range a.days {
		s.Days[d.String()] = jsonDay{day.bounds.Start90k, day.bounds.End90k, day.duration90k}
	}
	return s
}

// encodeJSON gives equal values equal bytes: the keys of maps are in order.
func encodeJSON(page any) ([]byte, error) {
	content, err := json.MarshalIndent(page, "", " ")
	return append(content, '\n'), err
}
