/* The model files that are built in. MODEL_..._FILE come from module.cmake, for those that are there. */
    .section .rodata
.macro model name file
    .global triage_model_\name
    .global triage_model_\name\()_end
    .balign 8
triage_model_\name:
    .incbin "\file"
triage_model_\name\()_end:
    .byte 0
.endm
.macro absent name
    .global triage_model_\name
    .global triage_model_\name\()_end
triage_model_\name:
triage_model_\name\()_end:
    .byte 0
.endm
#ifdef MODEL_LEVEL_FILE
    model level, MODEL_LEVEL_FILE
#else
    absent level
#endif
#ifdef MODEL_LEVEL_WITHOUT_HUMAN_FILE
    model level_without_human, MODEL_LEVEL_WITHOUT_HUMAN_FILE
#else
    absent level_without_human
#endif
#ifdef MODEL_DISPOSITION_FILE
    model disposition, MODEL_DISPOSITION_FILE
#else
    absent disposition
#endif
#ifdef MODEL_INTENSIVE_CARE_FILE
    model intensive_care, MODEL_INTENSIVE_CARE_FILE
#else
    absent intensive_care
#endif
#ifdef MODEL_ADMISSION_FILE
    model admission, MODEL_ADMISSION_FILE
#else
    absent admission
#endif
    .section .note.GNU-stack,"",%progbits
