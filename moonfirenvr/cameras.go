// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirenvr

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
)

// camera is one of theirs.
type camera struct {
	id                     moonfirefs.CameraID
	uuid                   uuid.UUID
	shortName, description string
	username, password     string
	streams                []stream
}

// stream is one of theirs.
type stream struct {
	id     moonfirefs.StreamID
	camera moonfirefs.CameraID
	// kind is main, sub or ext.
	kind string
	// dir is 0 if the stream has none.
	dir         moonfirefs.SampleDirID
	url         string
	transport   string
	retainBytes int64
	records     bool
}

// dirs lists their sample directories. One whose row cannot be used is left out, and told of.
func (s *source) dirs(ctx context.Context, leaveOut func(what string, id int64, problem string)) (all []index.SampleDir, err error) {
	path := "path"
	if s.version >= 7 {
		path = "iif(json_valid(config), json_extract(config, '$.path'), '')"
	}
	err = s.each(ctx, `select id, uuid, coalesce(`+path+`, '') from sample_file_dir order by id`, func(row scanner) error {
		var d index.SampleDir
		var blob []byte
		if err := row.Scan(&d.ID, &blob, &d.Path); err != nil {
			return err
		}
		if len(blob) != len(d.UUID) || !filepath.IsAbs(d.Path) {
			leaveOut("sample_file_dir", int64(d.ID), "its UUID or its path is not one")
			return nil
		}
		d.UUID = uuid.UUID(blob)
		all = append(all, d)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read table sample_file_dir: %w", err)
	}
	return all, nil
}

// cameraConfig and streamConfig are what schema 7 keeps in JSON (json.rs).
type cameraConfig struct {
	Description string `json:"description"`
	Username    string `json:"username"`
	Password    string `json:"password"`
}

type streamConfig struct {
	Mode          string `json:"mode"`
	URL           string `json:"url"`
	RTSPTransport string `json:"rtspTransport"`
	RetainBytes   int64  `json:"retainBytes"`
}

// cameras lists their cameras with their streams, by id.
func (s *source) cameras(ctx context.Context, leaveOut func(what string, id int64, problem string)) ([]camera, error) {
	columns := `coalesce(description, ''), coalesce(username, ''), coalesce(password, '')`
	if s.version >= 7 {
		columns = `coalesce(config, '{}'), '', ''`
	}
	var all []camera
	err := s.each(ctx, `select id, uuid, short_name, `+columns+` from camera order by id`, func(row scanner) error {
		var c camera
		var blob []byte
		if err := row.Scan(&c.id, &blob, &c.shortName, &c.description, &c.username, &c.password); err != nil {
			return err
		}
		ok := len(blob) == len(c.uuid) && c.id > 0
		if ok {
			c.uuid = uuid.UUID(blob)
		}
		if s.version >= 7 {
			var config cameraConfig
			ok = ok && json.Unmarshal([]byte(c.description), &config) == nil
			c.description, c.username, c.password = config.Description, config.Username, config.Password
		}
		if !ok {
			leaveOut("camera", int64(c.id), "its UUID or its configuration is not one")
			return nil
		}
		all = append(all, c)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read table camera: %w", err)
	}
	return all, s.addStreams(ctx, all, leaveOut)
}

// addStreams adds the streams to cameras.
func (s *source) addStreams(ctx context.Context, cameras []camera, leaveOut func(what string, id int64, problem string)) error {
	columns := `rtsp_url, retain_bytes, record`
	if s.version >= 7 {
		columns = `coalesce(config, '{}'), 0, 0`
	}
	byID := make(map[moonfirefs.CameraID]*camera)
	for i := range cameras {
		byID[cameras[i].id] = &cameras[i]
	}
	err := s.each(ctx, `select id, camera_id, coalesce(sample_file_dir_id, 0), type, `+columns+` from stream order by id`, func(row scanner) error {
		var st stream
		if err := row.Scan(&st.id, &st.camera, &st.dir, &st.kind, &st.url, &st.retainBytes, &st.records); err != nil {
			return err
		}
		if s.version >= 7 {
			var config streamConfig
			if err := json.Unmarshal([]byte(st.url), &config); err != nil {
				leaveOut("stream", int64(st.id), "its configuration is not JSON")
				config = streamConfig{}
			}
			st.url, st.retainBytes, st.records, st.transport = config.URL, config.RetainBytes, config.Mode == "record", config.RTSPTransport
		}
		c := byID[st.camera]
		if c == nil || st.id < 1 || st.id > moonfirefs.MaxStreamID {
			leaveOut("stream", int64(st.id), "it is of no camera")
			return nil
		}
		c.streams = append(c.streams, st)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read table stream: %w", err)
	}
	return nil
}

// extSuffix follows the name of a camera in the name of the folder of its stream "ext", which
// our cameras do not have: it is the main stream of a camera of its own.
const extSuffix = "-ext"

// ours makes our cameras of theirs. One without a stream that has a directory has no footage,
// and is left out. Names are those that are taken already. Credentials are not taken over: a
// mount needs none.
func ours(theirs []camera, names nameSet) (all []moonfirefs.Camera) {
	var ext []moonfirefs.Camera
	for i := range theirs {
		c := &theirs[i]
		name := names.choose(c.shortName)
		camera := moonfirefs.Camera{ID: c.id, UUID: c.uuid, ShortName: name, Description: c.description}
		for j := range c.streams {
			st := &c.streams[j]
			if st.dir == 0 {
				continue
			}
			if st.kind != "ext" {
				camera.Streams = append(camera.Streams, st.ours(moonfirefs.StreamKind(st.kind)))
				continue
			}
			ext = append(ext, moonfirefs.Camera{
				ID: c.id + extCamera, UUID: uuid.NewSHA1(c.uuid, []byte(st.kind)), ShortName: name + extSuffix, Description: c.description,
				Streams: []moonfirefs.Stream{st.ours(moonfirefs.MainStream)},
			})
		}
		if len(camera.Streams) > 0 {
			all = append(all, camera)
		}
	}
	for i := range ext {
		ext[i].ShortName = names.choose(ext[i].ShortName)
	}
	return append(all, ext...)
}

// extCamera is added to the id of a camera for that of its stream "ext".
const extCamera moonfirefs.CameraID = 1 << 32

// ours is the stream as one of ours.
func (st *stream) ours(kind moonfirefs.StreamKind) moonfirefs.Stream {
	transport := moonfirefs.TCP
	if st.transport == string(moonfirefs.UDP) {
		transport = moonfirefs.UDP
	}
	return moonfirefs.Stream{
		ID: st.id, Kind: kind, SampleDir: st.dir, URL: withoutUser(st.url), Transport: transport, RetainBytes: max(0, st.retainBytes),
	}
}

// withoutUser takes credentials out of a URL; what is none is empty.
func withoutUser(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	u.User = nil
	return u.String()
}
