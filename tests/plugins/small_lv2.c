/* Two small LV2 synths in one library: a sine or square with a level and a pitch. A number in the file `.small` in the
   user's own folder is a factor of the level. The second computes its wave in a
   thread of its own, as long as it lives, and what it frees with one instance is used by all: so do real ones.

   The layout of the structures is the publicly documented one; nothing here comes from anybody's SDK. */

#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS, OUT, LEVEL, WAVE, TUNE, NOTHING, PORTS };

typedef struct { uint32_t size, type; } Atom;
typedef struct { Atom atom; uint32_t unit, pad; } Sequence;
typedef struct { int64_t frame; Atom body; uint8_t bytes[]; } Event;
typedef struct { void *handle; uint32_t (*map)(void *, const char *); } Map;
typedef struct { const char *address; void *data; } Feature;
typedef struct Descriptor {
  const char *address;
  void *(*instantiate)(const struct Descriptor *, double, const char *, const Feature *const *);
  void (*connect)(void *, uint32_t, void *);
  void (*activate)(void *);
  void (*run)(void *, uint32_t);
  void (*deactivate)(void *);
  void (*cleanup)(void *);
  const void *(*extension)(const char *);
} Descriptor;
typedef struct {
  void *ports[PORTS];
  double rate, phase, factor;
  int key, threaded;
  uint32_t midi;
  volatile float wanted, wave;
  pthread_mutex_t lock;
  pthread_cond_t changed;
} Synth;

static volatile int freed;

static void *compute(void *data) {
  Synth *synth = data;
  pthread_mutex_lock(&synth->lock);
  for (;;) {
    float wanted = synth->wanted;
    if (wanted == synth->wave) {
      pthread_cond_wait(&synth->changed, &synth->lock);
      continue;
    }
    volatile double work = 0;
    for (int i = 0; i < 3000000; i++) work += sqrt(i);
    synth->wave = wanted;
  }
  return NULL;
}

static double settings(void) {
  char path[4096];
  double factor = 1;
  snprintf(path, sizeof path, "%s/.small", getenv("HOME"));
  FILE *file = fopen(path, "r");
  if (file && fscanf(file, "%lf", &factor) != 1) factor = 0;
  if (file) fclose(file);
  return factor;
}

static void *instantiate(const Descriptor *of, double rate, const char *bundle, const Feature *const *features) {
  Synth *synth = calloc(1, sizeof(Synth));
  synth->rate = rate;
  synth->key = -1;
  synth->factor = settings();
  synth->threaded = strstr(of->address, "threaded") != NULL;
  for (; *features; features++)
    if (!strcmp((*features)->address, "http://lv2plug.in/ns/ext/urid#map")) {
      Map *map = (*features)->data;
      synth->midi = map->map(map->handle, "http://lv2plug.in/ns/ext/midi#MidiEvent");
    }
  if (synth->threaded) {
    pthread_t thread;
    synth->wave = -1;
    pthread_mutex_init(&synth->lock, NULL);
    pthread_cond_init(&synth->changed, NULL);
    pthread_create(&thread, NULL, compute, synth);
  }
  return synth;
}

static void connect(void *synth, uint32_t port, void *data) { ((Synth *)synth)->ports[port] = data; }

static void run(void *instance, uint32_t count) {
  Synth *synth = instance;
  float *out = synth->ports[OUT];
  Sequence *events = synth->ports[EVENTS];
  uint8_t *at = (uint8_t *)(events + 1), *end = (uint8_t *)events + sizeof(Atom) + events->atom.size;
  synth->wanted = *(float *)synth->ports[WAVE];
  if (!synth->threaded) synth->wave = synth->wanted;
  else if (!pthread_mutex_trylock(&synth->lock)) { /* else it is at work, and looks again after it */
    pthread_cond_signal(&synth->changed);
    pthread_mutex_unlock(&synth->lock);
  }
  for (uint32_t i = 0; i < count; i++) {
    while (at < end && ((Event *)at)->frame <= i) {
      Event *event = (Event *)at;
      if (event->body.type == synth->midi && (event->bytes[0] & 0xF0) == 0x90 && event->bytes[2]) synth->key = event->bytes[1];
      else if (event->body.type == synth->midi && (event->bytes[0] & 0xE0) == 0x80) synth->key = -1;
      at += sizeof(Event) + ((event->body.size + 7) & ~7u);
    }
    double step = 440 * pow(2, (synth->key - 69 + *(float *)synth->ports[TUNE]) / 12) / synth->rate;
    float sine = sin(2 * M_PI * synth->phase), sound = synth->wave <= 0.5f ? sine : 0.5f * (sine > 0 ? 1 : -1);
    if (synth->threaded && (synth->wave < 0 || freed)) sound = NAN;
    out[i] = synth->key < 0 ? 0 : 0.4f * synth->factor * *(float *)synth->ports[LEVEL] * sound;
    synth->phase = synth->key < 0 ? 0 : fmod(synth->phase + step, 1);
  }
}

static void nothing(void *synth) {}
static void cleanup(void *synth) { freed = 1; }
static const void *none(const char *address) { return NULL; }

static const Descriptor SYNTHS[2] = {
  {"urn:patchflow:tests:plain", instantiate, connect, nothing, run, nothing, cleanup, none},
  {"urn:patchflow:tests:threaded", instantiate, connect, nothing, run, nothing, cleanup, none},
};

const Descriptor *lv2_descriptor(uint32_t index) { return index < 2 ? &SYNTHS[index] : NULL; }
