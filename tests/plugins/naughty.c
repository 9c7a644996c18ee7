/* The smallest VST2 synth, which can also be an effect, crash or hang: its file name says what it does.

   "forgets" begins every note with the same phase, and remembers nothing else.
   "layers-30" is a large one: 30 layers of ten parameters, of which one is on when it is loaded.

   The layout of AEffect is the publicly documented one; nothing here comes from anybody's SDK. */

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef HOW
#define HOW "works"
#endif

enum { PARAMS = 4, LEVEL = 0, PITCH, WAVE, NOTHING };
enum { MOST_LAYERS = 200, EACH = 10 };
enum { ON, GAIN, TUNE, SHAPE, ATTACK, DECAY, DEPTH, SPEED, DRIVE, UNUSED }; /* of a layer; the last does nothing */

typedef struct Effect Effect;
typedef intptr_t (*Master)(Effect *, int32_t, int32_t, intptr_t, void *, float);

struct Effect {
  int32_t magic;
  intptr_t (*dispatcher)(Effect *, int32_t, int32_t, intptr_t, void *, float);
  void (*process)(Effect *, float **, float **, int32_t);
  void (*set_parameter)(Effect *, int32_t, float);
  float (*get_parameter)(Effect *, int32_t);
  int32_t programs, parameters, inputs, outputs, flags;
  intptr_t reserved1, reserved2;
  int32_t delay, quality1, quality2;
  float ratio;
  void *object, *user;
  int32_t id, version;
  void (*process_replacing)(Effect *, float **, float **, int32_t);
  void (*process_double)(Effect *, double **, double **, int32_t);
  char future[56];
};

typedef struct {
  int32_t type, size, delta, flags, length, offset;
  unsigned char midi[4];
  char detune, release, reserved1, reserved2;
} MidiEvent;

typedef struct {
  int32_t count;
  intptr_t reserved;
  MidiEvent *events[2];
} Events;

static float values[MOST_LAYERS * EACH] = {0.5f, 0.5f, 0.0f, 0.5f};
static const char *names[PARAMS] = {"Level", "Osc Pitch", "Osc Wave", "Nothing"};
static const char *unnamed[PARAMS] = {"", "  ", "\x1b[31m\a\n", ""};
static const char *oddly[PARAMS] = {"L\xe4rm", "Same", "Same", "\xe2\x80\xae" "a long name, which is much longer than any host of VST2 "
                                    "expects it to be, and which ends nowhere near the place where hosts cut names off"};
static float rate = 44100.0f;
static double phase = 0.0;
static int key = -1;

static const char *of_a_layer[EACH] = {"On", "Gain", "Tune", "Shape", "Attack", "Decay", "Depth", "Speed", "Drive", "Unused"};
static const float fresh[EACH] = {0.0f, 0.7f, 0.5f, 0.0f, 0.0f, 0.5f, 0.0f, 0.5f, 0.0f, 0.5f};
static double phases[MOST_LAYERS], seconds = 0.0;

static int is(const char *how) { return strcmp(HOW, how) == 0; }

static int layers(void) { return strncmp(HOW, "layers-", 7) ? 0 : atoi(HOW + 7); }

static pid_t loader;

static void crash(void) { *(volatile int *)16 = 1; }

static void hang(void) {
  for (;;) sleep(1);
}

static intptr_t dispatch(Effect *effect, int32_t what, int32_t index, intptr_t value, void *pointer, float option) {
  switch (what) {
    case 6: return 0; /* label */
    case 7: /* text of a value */
      if (layers() && index % EACH == ON) strcpy(pointer, values[index] < 0.5f ? "off" : "on");
      else if (layers() && index % EACH == SHAPE) strcpy(pointer, values[index] < 0.5f ? "sine" : "square");
      else if (layers()) snprintf(pointer, 8, "%.3f", values[index]);
      else if (index == WAVE) strcpy(pointer, values[WAVE] < 0.5f ? "sine" : "square");
      else snprintf(pointer, 8, "%.3f", values[index]);
      return 0;
    case 8:
      if (layers()) {
        sprintf(pointer, "Layer %d %s", index / EACH + 1, of_a_layer[index % EACH]);
        return 0;
      }
      strcpy(pointer, (is("unnamed") ? unnamed : is("oddly-named") ? oddly : names)[index]); return 0;
    case 10: rate = option; return 0;
    case 25: { /* events */
      Events *list = pointer;
      for (int i = 0; i < list->count; i++) {
        unsigned char *midi = list->events[i]->midi;
        if (list->events[i]->type != 1) continue;
        if ((midi[0] & 0xF0) == 0x90 && midi[2]) {
          key = midi[1];
          seconds = 0.0;
          if (is("forgets")) phase = 0.0;
        }
        if ((midi[0] & 0xF0) == 0x80 || ((midi[0] & 0xF0) == 0x90 && !midi[2])) key = -1;
      }
      return 1;
    }
    case 35: return is("effect") ? 1 : 2; /* category */
    case 45: case 48: case 47: strcpy(pointer, HOW); return 1; /* name, product, vendor */
    case 51: return !is("effect") && (!strcmp(pointer, "receiveVstEvents") || !strcmp(pointer, "receiveVstMidiEvent"));
    case 58: return 2400; /* version of the interface */
    default: return 0;
  }
}

static void set(Effect *effect, int32_t index, float value) { values[index] = value; }

static float get(Effect *effect, int32_t index) { return values[index]; }

static void play_layers(float **out, int32_t count) {
  double hz = 440.0 * pow(2.0, (key - 69) / 12.0);
  memset(out[0], 0, count * sizeof(float));
  for (int layer = 0; layer < layers() && key >= 0; layer++) {
    const float *v = values + EACH * layer;
    if (v[ON] < 0.5f) continue;
    for (int32_t i = 0; i < count; i++) {
      double now = seconds + i / rate;
      double vibrato = v[DEPTH] * sin(6.283185307179586 * (1.0 + 9.0 * v[SPEED]) * now) / 12.0;
      phases[layer] = fmod(phases[layer] + hz * pow(2.0, 2.0 * v[TUNE] - 1.0 + vibrato) / rate, 1.0);
      double wave = sin(6.283185307179586 * phases[layer]);
      if (v[SHAPE] >= 0.5f) wave = wave < 0 ? -0.5 : 0.5;
      double level = v[GAIN] * fmin(1.0, now / (0.001 + 0.3 * v[ATTACK])) * exp(-now * 4.0 * v[DECAY]);
      out[0][i] += (float)(level * tanh((1.0 + 4.0 * v[DRIVE]) * wave));
    }
  }
  seconds += count / rate;
  memcpy(out[1], out[0], count * sizeof(float));
}

static void play(Effect *effect, float **in, float **out, int32_t count) {
  if (is("crashes") && values[PITCH] > 0.9f) crash();
  if (is("hangs")) hang();
  if (is("dies-in-copies") && getpid() != loader) crash();
  if (layers()) {
    play_layers(out, count);
    return;
  }
  if (is("effect")) {
    for (int c = 0; c < 2; c++)
      for (int32_t i = 0; i < count; i++) out[c][i] = in[c][i] * values[LEVEL];
    return;
  }
  double hz = 440.0 * pow(2.0, (key - 69) / 12.0 + values[PITCH] - 0.5);
  for (int32_t i = 0; i < count; i++) {
    float sample = 0.0f;
    if (key >= 0) {
      phase = fmod(phase + hz / rate, 1.0);
      sample = values[LEVEL] * (values[WAVE] < 0.5f ? (float)sin(6.283185307179586 * phase) : phase < 0.5 ? 0.5f : -0.5f);
    }
    out[0][i] = out[1][i] = is("deaf") ? 0.1f * (i % 100 < 50) : sample;
  }
}

Effect *VSTPluginMain(Master master) {
  if (is("crashes-at-load")) crash();
  if (is("hangs-at-load")) hang();
  if (is("refuses")) return NULL;
  loader = getpid();
  Effect *effect = calloc(1, sizeof *effect);
  effect->magic = 0x56737450; /* VstP */
  effect->dispatcher = dispatch;
  effect->process = play;
  effect->process_replacing = play;
  effect->set_parameter = set;
  effect->get_parameter = get;
  effect->programs = 1;
  effect->parameters = layers() ? EACH * layers() : PARAMS;
  for (int i = 0; i < EACH * layers(); i++) values[i] = i == ON ? 1.0f : fresh[i % EACH];
  effect->inputs = is("effect") ? 2 : 0;
  effect->outputs = 2;
  effect->flags = 16 | (is("effect") ? 0 : 256); /* replacing, synth */
  effect->ratio = 1.0f;
  effect->id = 0x4E617567; /* Naug */
  effect->version = 7;
  return effect;
}
