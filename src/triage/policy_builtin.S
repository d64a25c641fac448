/* The policy document that is built in. TRIAGE_POLICY_FILE comes from module.cmake. */
    .section .rodata
    .global triage_policy_builtin
    .global triage_policy_builtin_end
    .balign 8
triage_policy_builtin:
    .incbin TRIAGE_POLICY_FILE
triage_policy_builtin_end:
    .byte 0
    .section .note.GNU-stack,"",%progbits
