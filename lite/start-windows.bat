@echo off
chcp 65001 >nul
rem ChatKit: the lessons in your browser; nothing is installed
rem pushd: a folder on the network has no drive of its own. The Store's `python` is there and runs nothing, so it is tried.
pushd "%~dp0"
set "PYTHON="
py -3 -c "import sys; sys.exit(sys.version_info < (3, 8))" >nul 2>nul && set "PYTHON=py -3"
if not defined PYTHON python -c "import sys; sys.exit(sys.version_info < (3, 8))" >nul 2>nul && set "PYTHON=python"
if defined PYTHON %PYTHON% serve.py --open
if not defined PYTHON echo This computer has no Python 3.8 or newer: see READ-ME.txt
if not defined PYTHON echo เครื่องนี้ไม่มี Python 3.8 หรือใหม่กว่า ให้ดู READ-ME.txt
pause
