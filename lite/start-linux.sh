#!/bin/sh
# ChatKit's lessons in your browser; nothing is installed · บทเรียน ChatKit ในเบราว์เซอร์ โดยไม่ติดตั้งอะไร
cd "$(dirname "$0")" && exec python3 serve.py --open
