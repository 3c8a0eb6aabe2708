#!/bin/sh
# macOS: Control-click, then Open · ใน macOS ให้กด Control ค้างไว้แล้วคลิก แล้วเลือก Open
# ChatKit's lessons in your browser; nothing is installed · บทเรียน ChatKit ในเบราว์เซอร์ โดยไม่ติดตั้งอะไร
cd "$(dirname "$0")" && exec python3 serve.py --open
